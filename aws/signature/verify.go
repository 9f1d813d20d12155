package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// Skew is how far the clock of a client may be from the server's, unless a Verifier is told otherwise.
const Skew = 15 * time.Minute

// Presigned URLs are good for a week at the most.
const maxExpires = 604800

const (
	dateForm = "20060102"
	timeForm = "20060102T150405Z"
)

// Values of X-Amz-Content-Sha256 that are no hash.
const (
	unsignedPayload  = "UNSIGNED-PAYLOAD"
	unsignedTrailer  = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	streamingPayload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
)

// Verifier verifies signatures. All methods may be called at the same time.
type Verifier struct {
	clock clockwork.Clock
	skew  time.Duration
	keys  keys
}

// NewVerifier returns a verifier that takes the time from the clock. A skew of 0 is Skew.
func NewVerifier(clock clockwork.Clock, skew time.Duration) *Verifier {
	if skew == 0 {
		skew = Skew
	}
	return &Verifier{clock: clock, skew: skew, keys: keys{kept: map[scope]derived{}}}
}

// canonicals are buffers for canonical requests.
var canonicals = sync.Pool{New: func() any { return new([]byte) }}

// maxPooled is the longest buffer that is kept for another request.
const maxPooled = 64 << 10

// Verify reports whether the request was signed with the secret, for the service, a moment ago. The body is the whole of
// it, except for S3, whose bodies are not in memory: there the hash that the client names is taken, and whoever reads the
// body compares. Of a body in signed chunks it returns the chain by which they are verified.
func (v *Verifier) Verify(r *http.Request, body []byte, s *Signature, service, secret string) (*Chain, *Fault) {
	if s.Algorithm == Version2 && s.Presigned && service == "s3" {
		return nil, v.verifyVersion2(r, s, secret)
	}
	at, fault := v.check(s, service)
	if fault != nil {
		return nil, fault
	}
	if names := unsigned(r, s.SignedHeaders); len(names) > 0 {
		return nil, &Fault{Kind: Unsigned, Headers: names, Message: "The following headers are not signed: " + strings.Join(names, ", ") + "."}
	}
	payload, fault := payloadHash(r, body, s)
	if fault != nil {
		return nil, fault
	}
	buffer := canonicals.Get().(*[]byte)
	b, fault := appendCanonical((*buffer)[:0], r, s, payload)
	defer func() {
		if *buffer = b; cap(b) <= maxPooled {
			canonicals.Put(buffer)
		}
	}()
	if fault != nil {
		return nil, fault
	}
	hash := sha256.Sum256(b)
	stamp := at.Format(timeForm)
	b = append(b[:0], Algorithm+"\n"...)
	b = append(append(b, stamp...), '\n')
	b = append(appendScope(b, s), '\n')
	b = hex.AppendEncode(b, hash[:])

	sc := scope{secret, strings.Clone(s.Date), strings.Clone(s.Region), service}
	key, known := v.keys.find(sc)
	if !known {
		key = sc.derive()
	}
	var want, given [sha256.Size]byte
	mac := hmac.New(sha256.New, key[:])
	mac.Write(b)
	mac.Sum(want[:0])
	n, err := hex.Decode(given[:], []byte(s.Signature[:min(len(s.Signature), 2*len(given))]))
	if err != nil || n != len(given) || len(s.Signature) != 2*len(given) || !hmac.Equal(want[:], given[:]) {
		return nil, &Fault{Kind: Mismatch}
	}
	if !known {
		v.keys.keep(sc, key)
	}
	if payload == streamingPayload || payload == streamingTrailer {
		return newChain(key, stamp, string(appendScope(nil, s)), s.Signature, payload == streamingTrailer), nil
	}
	return nil, nil
}

func appendScope(b []byte, s *Signature) []byte {
	for _, part := range []string{s.Date, s.Region, s.Service} {
		b = append(append(b, part...), '/')
	}
	return append(b, Terminator...)
}

// check judges everything that can be judged without the secret, and returns when the request was signed.
func (v *Verifier) check(s *Signature, service string) (time.Time, *Fault) {
	if s.Algorithm != Algorithm {
		return time.Time{}, &Fault{Kind: Incomplete, Message: fmt.Sprintf("Unsupported AWS 'algorithm': '%s'.", s.Algorithm)}
	}
	if s.Terminator == "" && s.Service == "" {
		return time.Time{}, &Fault{
			Kind: Incomplete, Message: "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
		}
	}
	at, err := readTime(s.Time)
	if err != nil {
		return at, &Fault{Kind: Incomplete, Message: fmt.Sprintf("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", s.Time)}
	}
	if fault := checkScope(s, service, at); fault != nil {
		return at, fault
	}
	return at, v.checkTime(s, at)
}

// readTime reads when a request was signed.
func readTime(text string) (time.Time, error) {
	at, err := time.Parse(timeForm, text)
	if err != nil {
		at, err = http.ParseTime(text)
	}
	return at.UTC(), err
}

func checkScope(s *Signature, service string, at time.Time) *Fault {
	var faults strings.Builder
	if !IsRegion(s.Region) {
		fmt.Fprintf(&faults, "Credential should be scoped to a valid region, not '%s'. ", s.Region)
	}
	if s.Service != service {
		fmt.Fprintf(&faults, "Credential should be scoped to correct service: '%s'. ", service)
	}
	if s.Terminator != Terminator {
		fmt.Fprintf(&faults, "Credential should be scoped with a valid terminator: '%s', not '%s'. ", Terminator, s.Terminator)
	}
	if day := at.Format(dateForm); s.Date != day {
		fmt.Fprintf(&faults, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'. ",
			s.Date, day, at.Format(timeForm))
	}
	if faults.Len() == 0 {
		return nil
	}
	return &Fault{Kind: Scope, Message: faults.String()}
}

func (v *Verifier) checkTime(s *Signature, at time.Time) *Fault {
	now := v.clock.Now().UTC()
	good := v.skew
	if s.Presigned {
		switch seconds, err := strconv.Atoi(s.Expires); {
		case s.Expires == "" && s.Service != "s3":
		case err != nil || seconds < 0 || seconds > maxExpires:
			return &Fault{Kind: Incomplete, Message: "X-Amz-Expires must be a number of seconds between 0 and 604800."}
		default:
			good = time.Duration(seconds) * time.Second
		}
	}
	stamp, here := at.Format(timeForm), now.Format(timeForm)
	if latest := now.Add(v.skew); at.After(latest) {
		return &Fault{Kind: Clock, Message: fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %d min.)",
			stamp, latest.Format(timeForm), here, v.skew/time.Minute)}
	}
	if earliest := now.Add(-good); at.Before(earliest) {
		kind := Clock
		if s.Presigned {
			kind = Expired
		}
		return &Fault{Kind: kind, Message: fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)",
			stamp, earliest.Format(timeForm), here, good/time.Minute)}
	}
	return nil
}

// payloadHash is how the body stands in the canonical request.
func payloadHash(r *http.Request, body []byte, s *Signature) (string, *Fault) {
	if s.Service != "s3" {
		hash := sha256.Sum256(body)
		return hex.EncodeToString(hash[:]), nil
	}
	given := r.Header.Get("X-Amz-Content-Sha256")
	switch {
	case s.Presigned && given == "":
		return unsignedPayload, nil
	case given == "":
		return "", &Fault{Kind: Payload, Message: "Missing required header for this request: x-amz-content-sha256"}
	case given == unsignedPayload, given == unsignedTrailer, given == streamingPayload, given == streamingTrailer:
		return given, nil
	}
	if raw, err := hex.DecodeString(given); err != nil || len(raw) != sha256.Size {
		return "", &Fault{Kind: Payload, Message: "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, " +
			"STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value."}
	}
	return given, nil
}
