package s3

import (
	"net/http"

	"github.com/millrace/millrace/aws/signature"
)

// refusal words why a caller is not believed.
func (q *request) refusal(f *signature.Fault) *failure {
	presigned := q.URL.Query().Has("X-Amz-Algorithm")
	switch f.Kind {
	case signature.Mechanism:
		return invalidRequest("The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
	case signature.Missing:
		return &failure{code: "AccessDenied"}
	case signature.Twice:
		return &failure{
			code: "InvalidArgument", status: http.StatusBadRequest,
			text: "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
		}
	case signature.Incomplete, signature.Scope:
		if q.version2 {
			return &failure{code: "AccessDenied", text: f.Message}
		}
		if presigned {
			return &failure{code: "AuthorizationQueryParametersError", text: f.Message, status: http.StatusBadRequest}
		}
		text := "The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and Signature."
		if f.Kind == signature.Scope {
			text = "The authorization header is malformed; " + f.Message
		}
		return &failure{code: "AuthorizationHeaderMalformed", text: text, status: http.StatusBadRequest}
	case signature.Unknown:
		return &failure{code: "InvalidAccessKeyId", fields: []field{{"AWSAccessKeyId", q.call.AccessKeyID}}}
	case signature.ExpiredToken:
		return &failure{code: "ExpiredToken"}
	case signature.Clock:
		return &failure{code: "RequestTimeTooSkewed"}
	case signature.Expired:
		return &failure{code: "AccessDenied", text: "Request has expired"}
	case signature.Unsigned:
		var fields []field
		for _, name := range f.Headers {
			fields = append(fields, field{"HeadersNotSigned", name})
		}
		return &failure{code: "AccessDenied", text: "There were headers present in the request which were not signed", fields: fields}
	case signature.Payload:
		return invalidArgument(f.Message, "x-amz-content-sha256", q.Header.Get("X-Amz-Content-Sha256"))
	}
	return &failure{code: "SignatureDoesNotMatch", fields: []field{{"AWSAccessKeyId", q.call.AccessKeyID}}}
}
