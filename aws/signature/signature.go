package signature

import (
	"net/http"
	"net/url"
	"strings"
)

// Algorithm is the only one there is.
const Algorithm = "AWS4-HMAC-SHA256"

// Terminator ends every credential scope.
const Terminator = "aws4_request"

// Signature is what a request says about who signed it: the parts of its Authorization header or of its presigned
// URL. Nothing of it has been verified.
type Signature struct {
	Algorithm   string
	AccessKeyID string
	// Date, Region, Service and Terminator are the credential scope as sent. Signers for local endpoints write
	// odd things here; it is empty when the credential has not five parts.
	Date, Region, Service, Terminator string
	SignedHeaders                     string
	Signature                         string
	// Token is the session token, empty when there is none.
	Token string
	// Time is when it was signed, as sent: in a basic form of ISO 8601, or as a header Date has it.
	Time string
	// Expires is for how many seconds a presigned URL is good, as sent, or, in version 2, until which second of Unix time;
	// empty when it does not say so.
	Expires   string
	Presigned bool
	// Bucket is the one that the host names, which is signed in version 2. It is not read, but set by who knows hosts.
	Bucket string
}

// headerVersion2 begins an Authorization header of S3's version 2, which is not read.
const headerVersion2 = "AWS"

// Read finds the signature of the request. The texts are AWS's.
func Read(r *http.Request, params url.Values) (Signature, *Fault) {
	presigned, version2 := params.Has("X-Amz-Algorithm"), IsVersion2(params)
	given := r.Header["Authorization"]
	switch {
	case version2 && (presigned || len(given) > 0 && given[0] != ""):
		return Signature{}, &Fault{Kind: Twice, Message: "Found 'AWSAccessKeyId' as a query-string param and another signature."}
	case version2:
		return readVersion2(r, params)
	case len(given) > 0 && given[0] != "" && presigned:
		return Signature{}, &Fault{Kind: Twice, Message: "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."}
	case presigned:
		return readPresigned(params)
	case len(given) == 0 || given[0] == "":
		return Signature{}, &Fault{Kind: Missing}
	}
	return readAuthorization(r, given[0])
}

func readAuthorization(r *http.Request, authorization string) (Signature, *Fault) {
	s := Signature{Token: r.Header.Get("X-Amz-Security-Token"), Time: r.Header.Get("X-Amz-Date")}
	if s.Time == "" {
		s.Time = r.Header.Get("Date")
	}
	var credential string
	for i, word := 0, ""; authorization != ""; i++ {
		word, authorization = nextWord(authorization)
		if i == 0 {
			s.Algorithm = word
			continue
		}
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
	if credential == "" || s.Signature == "" || s.SignedHeaders == "" || s.Time == "" {
		fault := incompleteHeader(credential, s, r.Header.Get("Authorization"))
		if s.Algorithm == headerVersion2 {
			fault.Kind = Mechanism
		}
		return Signature{}, fault
	}
	s.readCredential(credential)
	return s, nil
}

// nextWord cuts off what stands before a comma or a space, and the separators with it.
func nextWord(text string) (word, rest string) {
	i := strings.IndexAny(text, ", ")
	if i < 0 {
		return text, ""
	}
	return text[:i], strings.TrimLeft(text[i:], ", ")
}

func incompleteHeader(credential string, s Signature, header string) *Fault {
	var faults strings.Builder
	for _, part := range [][2]string{{"Credential", credential}, {"Signature", s.Signature}, {"SignedHeaders", s.SignedHeaders}} {
		if part[1] == "" {
			faults.WriteString("Authorization header requires '" + part[0] + "' parameter. ")
		}
	}
	if s.Time == "" {
		faults.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	return &Fault{Kind: Incomplete, Message: faults.String() + "Authorization=" + header}
}

func readPresigned(params url.Values) (Signature, *Fault) {
	var faults strings.Builder
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if params.Get(name) == "" {
			faults.WriteString("AWS query-string parameters must include '" + name + "'. ")
		}
	}
	if faults.Len() > 0 {
		return Signature{}, &Fault{Kind: Incomplete, Message: faults.String() + "Re-examine the query-string parameters."}
	}
	s := Signature{
		Algorithm:     params.Get("X-Amz-Algorithm"),
		SignedHeaders: params.Get("X-Amz-SignedHeaders"),
		Signature:     params.Get("X-Amz-Signature"),
		Token:         params.Get("X-Amz-Security-Token"),
		Time:          params.Get("X-Amz-Date"),
		Expires:       params.Get("X-Amz-Expires"),
		Presigned:     true,
	}
	s.readCredential(params.Get("X-Amz-Credential"))
	return s, nil
}

// readCredential reads key/date/region/service/aws4_request. The key may hold slashes itself.
func (s *Signature) readCredential(credential string) {
	rest := credential
	var scope [4]string
	for i := 3; i >= 0; i-- {
		cut := strings.LastIndexByte(rest, '/')
		if cut < 0 {
			s.AccessKeyID, _, _ = strings.Cut(credential, "/")
			return
		}
		rest, scope[i] = rest[:cut], rest[cut+1:]
	}
	s.AccessKeyID = rest
	s.Date, s.Region, s.Service, s.Terminator = scope[0], scope[1], scope[2], scope[3]
}

// ScopeService is the service in the request's credential scope, for routing only; version 2, which has none, is S3's. It is
// empty when there is none.
func ScopeService(r *http.Request, params url.Values) string {
	credential := params.Get("X-Amz-Credential")
	authorization := r.Header.Get("Authorization")
	if strings.HasPrefix(authorization, headerVersion2+" ") || authorization == "" && credential == "" && IsVersion2(params) {
		return "s3"
	}
	if _, after, ok := strings.Cut(authorization, "Credential="); ok {
		credential, _ = nextWord(after)
	}
	var s Signature
	s.readCredential(credential)
	return s.Service
}

// IsRegion reports whether s can be a region. What is not is not taken from a credential scope.
func IsRegion(s string) bool {
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
