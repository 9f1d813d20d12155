package signature

import "net/http"

// Keys is how many derived keys are kept.
func (v *Verifier) Keys() int { return len(v.keys.kept) }

// StringToSign2 is what is signed in version 2.
func StringToSign2(r *http.Request, s *Signature) string {
	text, _ := appendVersion2(nil, r, s)
	return string(text)
}
