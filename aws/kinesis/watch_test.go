package kinesis_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/fxamacker/cbor/v2"

	"github.com/millrace/millrace/aws/wiretest"
)

// watcher exchanges requests with a house and keeps the answers of events going on. It lives in a bubble.
type watcher struct {
	t       *testing.T
	h       http.Handler
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	started []*events
}

func watch(t *testing.T, h http.Handler) *watcher {
	w := &watcher{t: t, h: h}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// leave hangs up.
func (w *watcher) leave() {
	w.cancel()
	w.running.Wait()
}

func (w *watcher) exchange(operation, document string) string {
	number, more := strings.CutPrefix(operation, "Events ")
	switch {
	case more:
		i, err := strconv.Atoi(number)
		if err != nil || i < 1 || i > len(w.started) {
			w.t.Errorf("no subscription %s", number)
			return ""
		}
		synctest.Wait()
		return w.started[i-1].show()
	case operation == "SubscribeToShard":
		return w.subscribe(newRequest(operation, document))
	case operation == "SubscribeToShard in CBOR":
		body, _ := inCBOR(document)
		return w.subscribe(newRequestCBOR("SubscribeToShard", body))
	}
	if name, ok := strings.CutSuffix(operation, " in CBOR"); ok {
		body, _ := inCBOR(document)
		return show(wiretest.Serve(w.h, newRequestCBOR(name, body)))
	}
	return exchange(w.h, operation, document)
}

// subscribe begins to watch the events of an answer.
func (w *watcher) subscribe(r *http.Request) string {
	e := &events{t: w.t, header: http.Header{}, start: time.Now()}
	w.running.Go(func() {
		w.h.ServeHTTP(e, r.WithContext(w.ctx))
		e.end()
	})
	synctest.Wait()
	if e.status == http.StatusOK {
		w.started = append(w.started, e)
	}
	return e.show()
}

// events is an answer that is written to over time.
type events struct {
	t      *testing.T
	header http.Header
	start  time.Time

	mu      sync.Mutex
	status  int
	news    string // what was not shown yet
	frames  int
	flushed int
}

func (e *events) Header() http.Header { return e.header }

func (e *events) WriteHeader(status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status = status
	e.news = fmt.Sprintln(status)
	if kind := e.header.Get("Content-Type"); status == http.StatusOK && kind != "application/vnd.amazon.eventstream" {
		e.t.Errorf("content type %s", kind)
	}
}

// Write notes a frame with the time of its coming, or the document of an error.
func (e *events) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.status != http.StatusOK {
		if e.header.Get("Content-Type") == typeCBOR {
			e.news += must(cbor.Diagnose(b)) + "\n"
		} else {
			e.news += string(b) + "\n"
		}
		return len(b), nil
	}
	message, err := eventstream.NewDecoder().Decode(bytes.NewReader(b), nil)
	if err != nil {
		e.t.Error(err)
		return len(b), nil
	}
	e.frames++
	payload := string(message.Payload)
	if message.Headers.Get(":content-type").Get() == typeCBOR {
		payload = must(cbor.Diagnose(message.Payload))
	}
	kind := message.Headers.Get(":message-type").String()
	e.news += fmt.Sprintf("%s %s %s %s\n", time.Since(e.start), kind, message.Headers.Get(":"+kind+"-type"), payload)
	return len(b), nil
}

// Flush implements http.Flusher.
func (e *events) Flush() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.flushed++
}

func (e *events) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.status == http.StatusOK {
		e.news += fmt.Sprintf("%s the end\n", time.Since(e.start))
	}
	if e.flushed < e.frames {
		e.t.Errorf("%d frames, flushed %d times", e.frames, e.flushed)
	}
}

// show returns what is new; of many lines only the first and the last ones.
func (e *events) show() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	lines := slices.Collect(strings.Lines(e.news))
	e.news = ""
	if more := len(lines) - 4; more > 4 {
		lines = slices.Replace(lines, 2, 2+more, fmt.Sprintf("and %d more\n", more))
	}
	return strings.Join(lines, "")
}
