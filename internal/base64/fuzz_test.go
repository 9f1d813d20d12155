package base64

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
		got := Append([]byte("before"), data)
		if want := base64.StdEncoding.AppendEncode([]byte("before"), data); !bytes.Equal(got, want) {
			t.Errorf("%x becomes %q, not %q", data, got, want)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for n := range 20 {
		f.Add(base64.StdEncoding.AppendEncode(nil, bytes.Repeat([]byte{0xfb, 1, 0x80}, n)[:n*2]))
	}
	f.Add([]byte("AAAA\nAAA"))
	f.Fuzz(expectDecoded)
}
