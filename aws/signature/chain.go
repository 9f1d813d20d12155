package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
)

// emptyHash is the SHA-256 of nothing.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Chain verifies the chunks of a body, each of which is signed together with the signature of the one before. It is for
// one reader.
type Chain struct {
	key         derived
	stamp       string
	scope       string
	last        string
	trailers    bool
	chunk       hash.Hash
	interrupted bool
}

func newChain(key derived, stamp, scope, seed string, trailers bool) *Chain {
	return &Chain{key: key, stamp: stamp, scope: scope, last: seed, trailers: trailers, chunk: sha256.New()}
}

// Trailers reports whether a signature of the trailers has to follow the last chunk.
func (c *Chain) Trailers() bool { return c.trailers }

// Write takes bytes of the chunk at hand. It never fails.
func (c *Chain) Write(p []byte) (int, error) { return c.chunk.Write(p) }

// EndChunk reports whether the chunk that was written is the one that was signed, and begins the next one. After one that
// was not, none is.
func (c *Chain) EndChunk(given string) bool {
	text := Algorithm + "-PAYLOAD\n" + c.stamp + "\n" + c.scope + "\n" + c.last + "\n" + emptyHash + "\n" + hex.EncodeToString(c.chunk.Sum(nil))
	c.chunk.Reset()
	return c.is(text, given)
}

// EndTrailers does the same for the trailers, each as a line of its name in small letters, a colon, its value and a line
// feed.
func (c *Chain) EndTrailers(lines, given string) bool {
	hash := sha256.Sum256([]byte(lines))
	return c.is(Algorithm+"-TRAILER\n"+c.stamp+"\n"+c.scope+"\n"+c.last+"\n"+hex.EncodeToString(hash[:]), given)
}

func (c *Chain) is(text, given string) bool {
	want := sum(c.key[:], text)
	raw, err := hex.DecodeString(given)
	if err != nil || !hmac.Equal(want[:], raw) || c.interrupted {
		c.interrupted = true
		return false
	}
	c.last = given
	return true
}
