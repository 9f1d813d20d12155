package protocol

import (
	"net/http"
	"net/url"
	"strings"
)

// Signature is what a request says about who signed it: the parts of its Authorization header or of its presigned
// URL. Nothing of it has been verified.
type Signature struct {
	AccessKeyID string
	// Date, Region, Service and Terminator are the credential scope as sent. Signers for local endpoints write
	// odd things here; it is empty when the credential has not five parts.
	Date, Region, Service, Terminator string
	SignedHeaders                     string
	Signature                         string
	Presigned                         bool
}

// An Authenticator decides whether to believe a signature, and whose it is.
type Authenticator interface {
	// Authenticate returns the account of the caller. The body is the whole body of the request and must not be
	// kept. An *Error is the answer to a caller that is not believed.
	Authenticate(r *http.Request, body []byte, s Signature) (account string, err error)
}

// Open believes everyone. An access key id of twelve digits is the account; others belong to the account given.
type Open struct{ Account string }

// Authenticate returns the account and never fails.
func (o Open) Authenticate(_ *http.Request, _ []byte, s Signature) (string, error) {
	if isAccount(s.AccessKeyID) {
		return s.AccessKeyID, nil
	}
	return o.Account, nil
}

func isAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// The codes of what is wrong with a signature before it is verified; the query protocol has its own (forms.go).
const (
	codeBothSignatures      = "InvalidSignatureException"
	codeMissingSignature    = "MissingAuthenticationTokenException"
	codeIncompleteSignature = "IncompleteSignatureException"
)

// readSignature finds the signature of the request. The texts are AWS's.
func readSignature(r *http.Request, params url.Values) (Signature, *Error) {
	authorization := r.Header.Get("Authorization")
	presigned := params.Has("X-Amz-Algorithm")
	switch {
	case authorization != "" && presigned:
		return Signature{}, &Error{
			Code:    codeBothSignatures,
			Message: "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
		}
	case presigned:
		return readPresigned(params)
	case authorization == "":
		return Signature{}, &Error{Code: codeMissingSignature, Message: "Missing Authentication Token"}
	}
	return readAuthorization(r, authorization)
}

func readAuthorization(r *http.Request, authorization string) (Signature, *Error) {
	var credential string
	var s Signature
	_, rest := nextWord(authorization) // the algorithm
	for rest != "" {
		var word string
		word, rest = nextWord(rest)
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "Credential":
			credential = value
		case "Signature":
			s.Signature = value
		case "SignedHeaders":
			s.SignedHeaders = value
		}
	}
	var faults strings.Builder
	for _, part := range [...][2]string{{"Credential", credential}, {"Signature", s.Signature}, {"SignedHeaders", s.SignedHeaders}} {
		if part[1] == "" {
			faults.WriteString("Authorization header requires '" + part[0] + "' parameter. ")
		}
	}
	if r.Header.Get("X-Amz-Date") == "" && r.Header.Get("Date") == "" {
		faults.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	if faults.Len() > 0 {
		return Signature{}, &Error{Code: codeIncompleteSignature, Message: faults.String() + "Authorization=" + authorization}
	}
	s.readCredential(credential)
	return s, nil
}

// nextWord returns the first word of a list whose words stand between commas and spaces, and what follows it.
func nextWord(list string) (word, rest string) {
	list = strings.TrimLeft(list, ", ")
	if end := strings.IndexAny(list, ", "); end >= 0 {
		return list[:end], list[end:]
	}
	return list, ""
}

func readPresigned(params url.Values) (Signature, *Error) {
	var faults strings.Builder
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if params.Get(name) == "" {
			faults.WriteString("AWS query-string parameters must include '" + name + "'. ")
		}
	}
	if faults.Len() > 0 {
		return Signature{}, &Error{
			Code:    codeIncompleteSignature,
			Message: faults.String() + "Re-examine the query-string parameters.",
		}
	}
	s := Signature{
		SignedHeaders: params.Get("X-Amz-SignedHeaders"),
		Signature:     params.Get("X-Amz-Signature"),
		Presigned:     true,
	}
	s.readCredential(params.Get("X-Amz-Credential"))
	return s, nil
}

// readCredential reads key/date/region/service/aws4_request. The key may hold slashes itself.
func (s *Signature) readCredential(credential string) {
	rest := credential
	var parts [4]string
	for i := range parts {
		slash := strings.LastIndexByte(rest, '/')
		if slash < 0 {
			s.AccessKeyID, _, _ = strings.Cut(credential, "/")
			return
		}
		rest, parts[3-i] = rest[:slash], rest[slash+1:]
	}
	s.AccessKeyID = rest
	s.Date, s.Region, s.Service, s.Terminator = parts[0], parts[1], parts[2], parts[3]
}

// scopeService is the service in the request's credential scope, for routing only. It is empty when there is none.
func scopeService(r *http.Request, params url.Values) string {
	credential := params.Get("X-Amz-Credential")
	if _, after, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		credential, _, _ = strings.Cut(after, ",")
		credential, _, _ = strings.Cut(credential, " ")
	}
	var s Signature
	s.readCredential(credential)
	return s.Service
}

// isRegion reports whether s can be a region. What is not is not taken from a credential scope.
func isRegion(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}
