package runtime_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"testing"

	"github.com/millrace/millrace/aws/runtime"
)

// streaming is a runtime that has taken an invocation whose response goes to parts, and answers what is written to body.
func streaming(t *testing.T, trailer http.Header) (c *conversation, parts chan []byte, outcome <-chan runtime.Outcome, body *io.PipeWriter, answered chan int) {
	t.Helper()
	c = converse(t)
	parts = make(chan []byte)
	settled := make(chan struct{})
	c.settled = settled
	outcome, err := c.server.Begin(runtime.Invocation{RequestID: "id", Payload: []byte("{}"), Stream: parts, Settled: func() { close(settled) }})
	if err != nil {
		t.Fatal(err)
	}
	c.do("GET", "runtime/invocation/next", "")
	read, body := io.Pipe()
	r, err := http.NewRequest("POST", "http://"+c.server.Address()+"/2018-06-01/runtime/invocation/id/response", read)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Lambda-Runtime-Function-Response-Mode", "streaming")
	r.Trailer = trailer
	answered = make(chan int, 1)
	go func() {
		answer, err := c.client.Do(r)
		if err != nil {
			answered <- 0
			return
		}
		_ = answer.Body.Close()
		answered <- answer.StatusCode
	}()
	return c, parts, outcome, body, answered
}

// TestStreamedPartsGoOnAtOnce: each part is there before the next one is written.
func TestStreamedPartsGoOnAtOnce(t *testing.T) {
	_, parts, outcome, body, answered := streaming(t, nil)
	for _, part := range []string{"one", "two"} {
		if _, err := io.WriteString(body, part); err != nil {
			t.Fatal(err)
		}
		if got := string(<-parts); got != part {
			t.Errorf("got %q", got)
		}
	}
	_ = body.Close()
	if got := <-outcome; !got.Streamed || got.Failed || len(got.Payload) != 0 {
		t.Errorf("%+v", got)
	}
	if status := <-answered; status != 202 {
		t.Error(status)
	}
}

// TestStreamThatFails: what is said in the trailers comes after the parts.
func TestStreamThatFails(t *testing.T) {
	_, parts, outcome, body, answered := streaming(t, http.Header{
		"Lambda-Runtime-Function-Error-Type": {"Function.Late"},
		"Lambda-Runtime-Function-Error-Body": {base64.StdEncoding.EncodeToString([]byte(`{"errorType":"Late"}`))},
	})
	go func() {
		_, _ = io.WriteString(body, "part")
		_ = body.Close()
	}()
	if got := string(<-parts); got != "part" {
		t.Errorf("got %q", got)
	}
	if got := <-outcome; !got.Streamed || !got.Failed || got.ErrorType != "Function.Late" || string(got.Payload) != `{"errorType":"Late"}` {
		t.Errorf("%+v %s", got, got.Payload)
	}
	<-answered
}

// TestStreamWithoutReceiver: a server that closes does not wait for who does not receive.
func TestStreamWithoutReceiver(t *testing.T) {
	c, _, _, body, answered := streaming(t, nil)
	if _, err := io.WriteString(body, "part"); err != nil {
		t.Fatal(err)
	}
	c.server.Close()
	_ = body.Close()
	if status := <-answered; status != 0 && status != http.StatusInternalServerError { // as the connection ends before or after the request
		t.Errorf("answered with %d", status)
	}
}

// TestStreamIsBounded: a response that is too long ends with an error, and the environment stays usable.
func TestStreamIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes 200 MiB")
	}
	c, parts, outcome, body, answered := streaming(t, nil)
	go func() {
		chunk := make([]byte, 1<<20)
		for range runtime.MaxStreamBytes/len(chunk) + 1 {
			_, _ = body.Write(chunk)
		}
		_ = body.Close()
	}()
	total := 0
	for {
		select {
		case part := <-parts:
			total += len(part)
			continue
		case got := <-outcome:
			if got.ErrorType != "Function.ResponseSizeTooLarge" || !got.Failed || total > runtime.MaxStreamBytes {
				t.Errorf("%+v %s after %d bytes", got, got.Payload, total)
			}
		}
		break
	}
	if status := <-answered; status != 413 {
		t.Error(status)
	}
	asked := make(chan string)
	go func() {
		_, body := c.do("GET", "runtime/invocation/next", "")
		asked <- body
	}()
	<-c.settled
	c.begin("id-2", "next")
	if got := <-asked; got != "next" {
		t.Errorf("then %s", got)
	}
}
