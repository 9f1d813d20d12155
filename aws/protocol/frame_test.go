package protocol

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// TestFrames compares with messages of AWS's.
func TestFrames(t *testing.T) {
	for _, row := range []struct{ kind, name, payload, want string }{
		{
			"event", "initial-response", `{}`,
			"0000007200000060ab820d9e0d3a6d6573736167652d747970650700056576656e740b3a6576656e742d74797065070010696e697469616c2d726573706f6e73650d3a636f6e74656e742d7479706507001a6170706c69636174696f6e2f782d616d7a2d6a736f6e2d312e317b7de16e66e4",
		},
		{
			"exception", "ResourceInUseException", `{"message":"x"}`,
			"0000008d0000006e865ee7150d3a6d6573736167652d74797065070009657863657074696f6e0f3a657863657074696f6e2d747970650700165265736f75726365496e557365457863657074696f6e0d3a636f6e74656e742d7479706507001a6170706c69636174696f6e2f782d616d7a2d6a736f6e2d312e317b226d657373616765223a2278227dd6edc97a",
		},
	} {
		var b bytes.Buffer
		if err := writeFrame(&b, row.kind, row.name, "application/x-amz-json-1.1", []byte(row.payload)); err != nil || hex.EncodeToString(b.Bytes()) != row.want {
			t.Errorf("%s %s: %x, %v", row.kind, row.name, b.Bytes(), err)
		}
	}
}

// FuzzFrame reads with AWS's decoder what we write, two messages one after the other.
func FuzzFrame(f *testing.F) {
	f.Add("event", "SubscribeToShardEvent", "application/x-amz-json-1.1", []byte(`{"Records":[]}`))
	f.Add("exception", "ResourceInUseException", "application/x-amz-cbor-1.1", []byte{0xa0})
	f.Add("event", "initial-response", "", []byte(nil))
	f.Fuzz(func(t *testing.T, kind, name, contentType string, payload []byte) {
		if len(kind) > 200 || len(name) > 1<<14 || len(contentType) > 1<<14 {
			t.Skip("longer than a header may be")
		}
		var b bytes.Buffer
		for range 2 {
			if err := writeFrame(&b, kind, name, contentType, bytes.Clone(payload)); err != nil {
				t.Fatal(err)
			}
		}
		decoder := eventstream.NewDecoder()
		for range 2 {
			m, err := decoder.Decode(&b, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Headers) != 3 || m.Headers[0].Name != ":message-type" || m.Headers[0].Value.Get() != kind ||
				m.Headers[1].Name != ":"+kind+"-type" || m.Headers[1].Value.Get() != name || m.Headers[2].Name != ":content-type" ||
				m.Headers[2].Value.Get() != contentType || !bytes.Equal(m.Payload, payload) {
				t.Errorf("%q", m)
			}
		}
		if b.Len() > 0 {
			t.Errorf("%d bytes are left", b.Len())
		}
	})
}
