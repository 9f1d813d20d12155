package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// authorization names the account and region of the calls. The server reads it; it does not verify it yet.
const authorization = "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/%s/aws4_request, SignedHeaders=host;x-amz-date, Signature=0"

// client speaks just enough of the AWS protocols to send ready-made bodies.
type client struct {
	url  string
	http *http.Client
}

func newClient(url string) *client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true, WriteBufferSize: 64 << 10, ReadBufferSize: 64 << 10}
	return &client{url: url, http: &http.Client{Transport: transport}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// kinesis makes one call. The answer is decoded into answer; a *bytes.Buffer takes its bytes as they are, which costs the
// client least, and nil drops them.
func (c *client) kinesis(ctx context.Context, operation string, body []byte, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
	return c.do(request, "kinesis", answer)
}

// lambda makes one call of the REST API.
func (c *client) lambda(ctx context.Context, method, path string, input, answer any) error {
	var body io.Reader
	if input != nil {
		b, err := json.Marshal(input)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	return c.do(request, "lambda", answer)
}

func (c *client) do(request *http.Request, service string, answer any) error {
	request.Header.Set("Authorization", fmt.Sprintf(authorization, service))
	request.Header.Set("X-Amz-Date", time.Now().UTC().Format("20060102T150405Z"))
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 4<<10))
		return fmt.Errorf("%s %s: %s: %s", request.Method, request.URL.Path, response.Status, text)
	}
	switch answer := answer.(type) {
	case nil:
		_, err = io.Copy(io.Discard, response.Body)
		return err
	case *bytes.Buffer:
		answer.Reset()
		_, err = answer.ReadFrom(response.Body)
		return err
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

// createStream makes a stream and waits until it is there.
func (c *client) createStream(ctx context.Context, name string, shards int) error {
	if err := c.kinesis(ctx, "CreateStream", fmt.Appendf(nil, `{"StreamName":%q,"ShardCount":%d}`, name, shards), nil); err != nil {
		return err
	}
	var d struct {
		StreamDescriptionSummary struct{ StreamStatus string }
	}
	return until(ctx, func() (bool, error) {
		err := c.kinesis(ctx, "DescribeStreamSummary", fmt.Appendf(nil, `{"StreamName":%q}`, name), &d)
		return d.StreamDescriptionSummary.StreamStatus == "ACTIVE", err
	})
}

// putBody returns the body of a PutRecords call of random records, or of a PutRecord call for one.
func putBody(stream string, records, size, salt int) []byte {
	data := make([]byte, size)
	rand.Read(data)
	text := base64.StdEncoding.EncodeToString(data)
	if records == 1 {
		return fmt.Appendf(nil, `{"StreamName":%q,"PartitionKey":"%d","Data":%q}`, stream, salt, text)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `{"StreamName":%q,"Records":[`, stream)
	for i := range records {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"PartitionKey":"` + strconv.Itoa(salt*1000+i) + `","Data":"` + text + `"}`)
	}
	b.WriteString("]}")
	return []byte(b.String())
}

// until asks ready every 10 ms, for at most a minute.
func until(ctx context.Context, ready func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := ready(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
