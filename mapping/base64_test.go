package mapping

import (
	"bytes"
	"encoding/base64"
	"testing"
)

func FuzzBase64(f *testing.F) {
	for n := range 20 {
		f.Add(bytes.Repeat([]byte{0xfb, 1, 0x80}, n)[:n*2])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got := appendBase64([]byte("before"), data)
		if want := base64.StdEncoding.AppendEncode([]byte("before"), data); !bytes.Equal(got, want) {
			t.Errorf("%x becomes %q, not %q", data, got, want)
		}
	})
}

func BenchmarkBase64(b *testing.B) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 64)
	for name, encode := range map[string]func(dst, src []byte) []byte{"own": appendBase64, "standard": base64.StdEncoding.AppendEncode} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			var out []byte
			for b.Loop() {
				out = encode(out[:0], data)
			}
		})
	}
}
