package function

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

const (
	// maxLoops is how often a function may be invoked in one chain of invocations, unless it is allowed to go round in circles.
	maxLoops = 16
	// maxChain bounds the functions that a chain tells of: the one that was invoked the longest ago is forgotten.
	maxChain = 32
	// maxTrace bounds the header that is looked at, in bytes.
	maxTrace = 1024
)

// trace is what the header X-Amzn-Trace-Id says of where an invocation comes from: Root=…;Parent=…;Sampled=0;Lineage=….
// Nobody follows it here, but for the chain of functions in it: who invokes a function hands on the header of its own
// invocation, as AWS's SDKs do by themselves.
type trace struct {
	root  string
	chain []link
}

// link says how often a function was invoked in a chain.
type link struct {
	function string // the beginning of the hash of its ARN
	count    int
}

// parseTrace reads a header. What cannot be read is left out; a root is made when there is none.
func parseTrace(header string, now time.Time) trace {
	var t trace
	if len(header) > maxTrace {
		header = ""
	}
	for part := range strings.SplitSeq(header, ";") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "Root":
			if validRoot(value) {
				t.root = strings.Clone(value)
			}
		case "Lineage":
			t.chain = parseChain(value)
		}
	}
	if t.root == "" {
		t.root = fmt.Sprintf("1-%08x-%08x%016x", uint32(now.Unix()), rand.Uint32(), rand.Uint64())
	}
	return t
}

// validRoot reports whether s is the id of a trace: a version, a time and a number.
func validRoot(s string) bool {
	parts := strings.Split(s, "-")
	return len(parts) == 3 && parts[0] == "1" && isHex(parts[1], 8) && isHex(parts[2], 24)
}

func isHex(s string, digits int) bool {
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}

// parseChain reads links as they stand in a header: hash:count, with bars between them.
func parseChain(text string) []link {
	var chain []link
	for part := range strings.SplitSeq(text, "|") {
		hash, count, _ := strings.Cut(part, ":")
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 || n > 1<<15 || !isHex(hash, 8) {
			continue
		}
		chain = append(chain, link{strings.Clone(hash), n})
	}
	return chain[max(0, len(chain)-maxChain):]
}

// enter adds an invocation of the function to the chain, and returns how many there were before.
func (t *trace) enter(name Name) int {
	sum := sha256.Sum256([]byte(name.ARN()))
	l := link{function: hex.EncodeToString(sum[:4])}
	rest := make([]link, 0, len(t.chain)+1)
	for _, other := range t.chain {
		if other.function == l.function {
			l.count = max(l.count, other.count)
		} else {
			rest = append(rest, other)
		}
	}
	before := l.count
	l.count = min(before+1, 1<<15)
	rest = append(rest, l)
	t.chain = rest[max(0, len(rest)-maxChain):]
	return before
}

// String is the header.
func (t trace) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Root=%s;Parent=%016x;Sampled=0", t.root, rand.Uint64())
	for i, l := range t.chain {
		separator := "|"
		if i == 0 {
			separator = ";Lineage="
		}
		b.WriteString(separator + l.function + ":" + strconv.Itoa(l.count))
	}
	return b.String()
}

// follow returns the header that an invocation of the function hands on, when it was invoked with this one.
func (s *Service) follow(header string, name Name) string {
	t := parseTrace(header, s.clock.Now())
	t.enter(name)
	return t.String()
}
