package base64

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"testing"
)

// TestBase64 compares with the standard library, at every length around the words that are taken at once, and behind what is
// there already.
func TestBase64(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	for n := range 200 {
		v := make([]byte, n)
		for range 20 {
			_, _ = random.Read(v)
			for _, before := range []string{"", "x", `{"Data":"`} {
				got := Append([]byte(before), v)
				if want := base64.StdEncoding.AppendEncode([]byte(before), v); !bytes.Equal(got, want) {
					t.Fatalf("%x: %q, want %q", v, got, want)
				}
			}
		}
	}
}

// BenchmarkBase64 has the standard library beside it.
func BenchmarkBase64(b *testing.B) {
	v := make([]byte, 1024)
	_, _ = rand.NewChaCha8([32]byte{}).Read(v)
	for name, encode := range map[string]func(b, v []byte) []byte{"ours": Append, "standard": base64.StdEncoding.AppendEncode} {
		b.Run(name, func(b *testing.B) {
			var buffer []byte
			b.SetBytes(int64(len(v)))
			for b.Loop() {
				buffer = encode(buffer[:0], v)
			}
		})
	}
}
