package protocol

import (
	"net/http"

	"github.com/millrace/millrace/aws/signature"
)

// wording is how a caller is told that it is not believed: in awsJson and its like and in rest-json, and in the query
// protocol.
type wording struct {
	code, text  string
	query       string
	queryText   string // when it is another
	queryStatus int    // 0 is 403
}

const mismatch = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

const (
	badToken     = "The security token included in the request is invalid."
	expiredToken = "The security token included in the request is expired"
)

var wordings = map[signature.Kind]wording{
	signature.Missing: {
		code: "MissingAuthenticationTokenException", text: "Missing Authentication Token",
		query: "MissingAuthenticationToken", queryText: "Request is missing Authentication Token",
	},
	signature.Twice:        {code: "InvalidSignatureException", query: "SignatureDoesNotMatch"},
	signature.Incomplete:   {code: "IncompleteSignatureException", query: "IncompleteSignature", queryStatus: http.StatusBadRequest},
	signature.Mechanism:    {code: "IncompleteSignatureException", query: "IncompleteSignature", queryStatus: http.StatusBadRequest},
	signature.Scope:        {code: "InvalidSignatureException", query: "SignatureDoesNotMatch"},
	signature.Unknown:      {code: "UnrecognizedClientException", text: badToken, query: "InvalidClientTokenId"},
	signature.ExpiredToken: {code: "ExpiredTokenException", text: expiredToken, query: "ExpiredToken"},
	signature.Clock:        {code: "InvalidSignatureException", query: "SignatureDoesNotMatch"},
	signature.Expired:      {code: "InvalidSignatureException", query: "SignatureDoesNotMatch"},
	signature.Unsigned:     {code: "InvalidSignatureException", query: "SignatureDoesNotMatch"},
	signature.Payload:      {code: "InvalidSignatureException", query: "SignatureDoesNotMatch"},
	signature.Mismatch:     {code: "InvalidSignatureException", text: mismatch, query: "SignatureDoesNotMatch"},
}

// notBelieved words a fault of a signature in the protocol of the request.
func (x *exchange) notBelieved(f *signature.Fault) *Error {
	w := wordings[f.Kind]
	e := &Error{Code: w.code, Message: f.Message}
	if e.Message == "" {
		e.Message = w.text
	}
	switch x.protocol {
	case REST:
		e.Status = http.StatusForbidden
	case Query:
		e.Code, e.Status = w.query, w.queryStatus
		if w.queryText != "" {
			e.Message = w.queryText
		}
		if e.Status == 0 {
			e.Status = http.StatusForbidden
		}
	}
	return e
}

// notAllowed words that the caller may not do what it asks for.
func (x *exchange) notAllowed(d *Denied) *Error {
	e := &Error{Code: "AccessDeniedException", Message: d.Message, capital: x.protocol == JSON}
	switch x.protocol {
	case REST:
		e.Status = http.StatusForbidden
	case Query:
		e.Code, e.Status = "AccessDenied", http.StatusForbidden
		if x.service.DeniedCode != "" {
			e.Code = x.service.DeniedCode
		}
	}
	return e
}
