package protocol_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/millrace/millrace/aws/cloudwatch"
	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/signature"
)

// fakeCloudWatch counts the bytes of what is put.
type fakeCloudWatch struct {
	cloudwatch.Operations
	namespace string
}

func (f *fakeCloudWatch) PutMetricData(_ context.Context, in *cloudwatch.PutMetricDataInput) error {
	f.namespace = in.Namespace
	return nil
}

// sent keeps what the authenticator is shown.
type sent struct{ body []byte }

func (s *sent) Authenticate(_ *http.Request, body []byte, _ *signature.Signature, _ string) (protocol.Caller, error) {
	s.body = bytes.Clone(body)
	return protocol.Caller{Account: "000000000000"}, nil
}

func zipped(t *testing.T, text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCompressedBodies(t *testing.T) {
	const document = `{"Namespace":"App","MetricData":[]}`
	whole := zipped(t, document)
	for name, c := range map[string]struct {
		target, encoding string
		body             []byte
		status           int
		namespace        string
	}{
		"plain":       {"GraniteServiceVersion20100801.PutMetricData", "", []byte(document), 200, "App"},
		"compressed":  {"GraniteServiceVersion20100801.PutMetricData", "gzip", whole, 200, "App"},
		"with spaces": {"GraniteServiceVersion20100801.PutMetricData", "gzip", zipped(t, document+strings.Repeat(" ", 1<<19)), 200, "App"},
		"too large":   {"GraniteServiceVersion20100801.PutMetricData", "gzip", zipped(t, document+strings.Repeat(" ", 1<<20)), 413, ""},
		"as large as can be": {
			"GraniteServiceVersion20100801.PutMetricData", "gzip", zipped(t, document+strings.Repeat(" ", 1<<20-len(document))), 200, "App",
		},
		"a bomb":               {"GraniteServiceVersion20100801.PutMetricData", "gzip", zipped(t, strings.Repeat(" ", 1<<28)), 413, ""},
		"not compressed":       {"GraniteServiceVersion20100801.PutMetricData", "gzip", []byte(document), 400, ""},
		"cut short":            {"GraniteServiceVersion20100801.PutMetricData", "gzip", whole[:len(whole)-9], 400, ""},
		"a wrong checksum":     {"GraniteServiceVersion20100801.PutMetricData", "gzip", append(whole[:len(whole)-8:len(whole)-8], 0, 0, 0, 0, 0, 0, 0, 0), 400, ""},
		"another encoding":     {"GraniteServiceVersion20100801.PutMetricData", "br", whole, 400, ""},
		"of a service of JSON": {"Kinesis_20131202.PutRecord", "gzip", whole, 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			door, shown := &fakeCloudWatch{}, &sent{}
			h := protocol.NewHandler(protocol.Config{
				Log: slog.New(slog.DiscardHandler), Account: "000000000000", Region: "us-east-1", Authenticator: shown,
			}, cloudwatch.NewService(door))
			r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(c.body))
			r.Header.Set("X-Amz-Target", c.target)
			r.Header.Set("Content-Type", "application/x-amz-json-1.0")
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=A/20260801/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=0f")
			r.Header.Set("X-Amz-Date", "20260801T120000Z")
			if c.encoding != "" {
				r.Header.Set("Content-Encoding", c.encoding)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.status || door.namespace != c.namespace {
				t.Errorf("%d %s, namespace %q", w.Code, w.Body, door.namespace)
			}
			if c.status == 200 && !bytes.Equal(shown.body, c.body) {
				t.Error("the signature is judged by another body than was sent")
			}
		})
	}
}
