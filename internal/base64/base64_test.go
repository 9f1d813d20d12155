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

// TestDecode reads what the standard library wrote, whole and with each of its characters replaced, and says of each what the
// standard library says without its leniency.
func TestDecode(t *testing.T) {
	random := rand.NewChaCha8([32]byte{2})
	for n := range 40 {
		v := make([]byte, n)
		_, _ = random.Read(v)
		text := base64.StdEncoding.AppendEncode(nil, v)
		expectDecoded(t, text)
		for at := range text {
			for _, c := range []byte("A/+=-_ \n\x00\x7f\x80\xff") {
				wrong := bytes.Clone(text)
				wrong[at] = c
				expectDecoded(t, wrong)
			}
			expectDecoded(t, text[:at])
		}
	}
}

// expectDecoded compares with the standard library.
func expectDecoded(t *testing.T, text []byte) {
	t.Helper()
	want, err := base64.StdEncoding.Strict().DecodeString(string(text))
	valid := err == nil && base64.StdEncoding.EncodedLen(len(want)) == len(text) // or it has passed over line ends
	n, ok := DecodedLen(text)
	if !ok {
		if valid {
			t.Errorf("%q: no length", text)
		}
		return
	}
	behind := []byte("behind")
	room := append(make([]byte, n), behind...)
	if ok = Decode(room[:n:n], text); ok != valid || ok && !bytes.Equal(room[:n], want) || !bytes.Equal(room[n:], behind) {
		t.Errorf("%q: %x %v, want %x %v", text, room, ok, want, valid)
	}
}

// BenchmarkDecode has the standard library beside it.
func BenchmarkDecode(b *testing.B) {
	v := make([]byte, 1024)
	_, _ = rand.NewChaCha8([32]byte{}).Read(v)
	text := base64.StdEncoding.AppendEncode(nil, v)
	for name, decode := range map[string]func(dst, text []byte) bool{
		"ours":     Decode,
		"standard": func(dst, text []byte) bool { _, err := strict.Decode(dst, text); return err == nil },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(v)))
			for b.Loop() {
				if !decode(v, text) {
					b.Fatal("not decoded")
				}
			}
		})
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
