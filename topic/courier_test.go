package topic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
)

// outside is the web and the functions: it notes what comes when, and answers as it is told.
type outside struct {
	start  time.Time
	mu     sync.Mutex
	notes  []string
	bodies map[string][]string // by endpoint
	header http.Header         // of the last post
	status map[string]int      // by URL; 0 means 200, negative an error
	fail   error               // of functions
	trace  string              // of the last event
	posted func()              // called by the next post
	hang   map[string]bool     // until the context ends
}

func newOutside() *outside {
	return &outside{start: time.Now(), bodies: map[string][]string{}, status: map[string]int{}, hang: map[string]bool{}}
}

func (o *outside) note(endpoint, body string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes = append(o.notes, fmt.Sprint(time.Since(o.start), " ", endpoint))
	o.bodies[endpoint] = append(o.bodies[endpoint], body)
}

func (o *outside) Post(ctx context.Context, url string, header http.Header, body []byte) (int, error) {
	o.note(url, string(body))
	o.mu.Lock()
	o.header = header
	if o.posted != nil {
		o.posted()
		o.posted = nil
	}
	status, hang := o.status[url], o.hang[url]
	o.mu.Unlock()
	if hang {
		select {
		case <-ctx.Done():
		case <-time.After(15 * time.Second):
		}
		return 0, errors.New("timeout")
	}
	switch {
	case status == 0:
		return http.StatusOK, nil
	case status < 0:
		return 0, errors.New("connection refused")
	}
	return status, nil
}

func (o *outside) InvokeAsync(_ context.Context, function, trace string, event []byte) error {
	o.note(function, string(event))
	o.mu.Lock()
	defer o.mu.Unlock()
	o.trace = trace
	return o.fail
}

// take returns what came since the last call, and forgets it.
func (o *outside) take() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := strings.Join(o.notes, ", ")
	o.notes = nil
	return s
}

// change changes what is answered from now on.
func (o *outside) change(how func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	how()
}

func (o *outside) set(url string, status int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.status[url] = status
}

// house is a room with all that it asks for, running until stop.
type house struct {
	*Service
	t    *testing.T
	p    *postbox
	o    *outside
	stop func()
}

// newHouse opens a room on a file system, inside a bubble.
func newHouse(t *testing.T, fs vfs.FS, o *outside) *house {
	t.Helper()
	engine, err := disk.Open(disk.Options{Memory: true, FS: fs, ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	h := runHouse(t, engine, o)
	stop := h.stop
	h.stop = func() {
		stop()
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	}
	return h
}

// runHouse runs a room over a store, inside a bubble.
func runHouse(t *testing.T, engine store.Tables, o *outside) *house {
	t.Helper()
	h, err := &house{t: t, p: &postbox{fail: map[string]error{}}, o: o}, error(nil)
	h.Service, err = New(t.Context(), Config{
		Store: engine, Clock: clockwork.NewRealClock(), Deliverer: h.p, Invoker: o, Poster: o, URL: "http://127.0.0.1:4566",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := h.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()
	h.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	return h
}

func (h *house) subscribe(protocol, endpoint string, attributes map[string]string) Subscription {
	h.t.Helper()
	sub, err := h.Subscribe(h.t.Context(), orders, orders.Account, protocol, endpoint, attributes)
	if err != nil {
		h.t.Fatal(err)
	}
	return sub
}

// confirmed subscribes a web server and confirms it with the token that it is sent.
func (h *house) confirmed(url string, attributes map[string]string) Subscription {
	h.t.Helper()
	sub := h.subscribe(ProtocolHTTP, url, attributes)
	synctest.Wait()
	h.o.mu.Lock()
	var request map[string]string
	err := json.Unmarshal([]byte(h.o.bodies[url][0]), &request)
	h.o.bodies[url] = nil
	h.o.mu.Unlock()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := verify(h.Service, request); err != nil {
		h.t.Error(err)
	}
	if _, err := h.Confirm(h.t.Context(), orders, request["Token"], false); err != nil {
		h.t.Fatal(err)
	}
	h.o.take()
	return sub
}

func (h *house) publish(messages ...Message) {
	h.t.Helper()
	if _, err := h.Publish(h.t.Context(), orders, messages...); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) expect(what, want string) {
	h.t.Helper()
	synctest.Wait()
	if got := h.o.take(); got != want {
		h.t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

// bubble runs a story in a bubble, with a topic.
func bubble(t *testing.T, story func(t *testing.T, h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil, newOutside())
		defer h.stop()
		if err := h.Create(t.Context(), orders, nil, nil); err != nil {
			t.Fatal(err)
		}
		story(t, h)
	})
}

// A web server receives nothing before it has confirmed, and then signed messages with SNS's headers, or raw ones.
func TestWebServer(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		sub := h.subscribe(ProtocolHTTP, "http://a", nil)
		h.expect("asked to confirm", "0s http://a")
		var request map[string]string
		if err := json.Unmarshal([]byte(h.o.bodies["http://a"][0]), &request); err != nil {
			t.Fatal(err)
		}
		if kind := h.o.header.Get("X-Amz-Sns-Message-Type"); kind != "SubscriptionConfirmation" || request["Type"] != kind ||
			h.o.header.Get("X-Amz-Sns-Subscription-Arn") != "" {
			t.Error(h.o.header, request)
		}
		if err := verify(h.Service, request); err != nil {
			t.Error(err)
		}
		if want := "http://127.0.0.1:4566/?Action=ConfirmSubscription&TopicArn=" + orders.ARN() + "&Token=" + request["Token"]; request["SubscribeURL"] != want || len(request["Token"]) != 288 {
			t.Error(request)
		}
		h.publish(Message{Text: "early"})
		h.expect("not confirmed", "")
		if _, err := h.Confirm(t.Context(), orders, "x"+request["Token"][1:], false); !errors.Is(err, ErrToken) {
			t.Error(err)
		}
		for range 2 { // once more changes nothing
			if again, err := h.Confirm(t.Context(), orders, request["Token"], true); err != nil || again.ID != sub.ID {
				t.Fatal(again, err)
			}
		}
		h.publish(Message{Text: "hello", Subject: "s", Attributes: map[string]Attribute{"a": {Type: "String", Text: "x"}}})
		h.expect("confirmed", "0s http://a")
		var m map[string]any
		if err := json.Unmarshal([]byte(h.o.bodies["http://a"][1]), &m); err != nil || m["Message"] != "hello" || m["MessageAttributes"] == nil {
			t.Error(m, err)
		}
		for name, want := range map[string]string{
			"Content-Type": "text/plain; charset=UTF-8", "User-Agent": "Amazon Simple Notification Service Agent",
			"X-Amz-Sns-Message-Type": "Notification", "X-Amz-Sns-Message-Id": m["MessageId"].(string), "X-Amz-Sns-Topic-Arn": orders.ARN(),
			"X-Amz-Sns-Subscription-Arn": sub.ARN(), "X-Amz-Sns-Rawdelivery": "",
		} {
			if got := h.o.header.Get(name); got != want {
				t.Errorf("%s is %q", name, got)
			}
		}
		for attribute, value := range map[string]string{RawMessageDelivery: "true", DeliveryPolicy: `{"requestPolicy":{"headerContentType":"application/json"}}`} {
			if err := h.SetSubscriptionAttribute(t.Context(), orders, sub.ID, attribute, value); err != nil {
				t.Fatal(err)
			}
		}
		h.publish(Message{Text: "{}"})
		h.expect("raw", "0s http://a")
		if h.o.bodies["http://a"][2] != "{}" || h.o.header.Get("X-Amz-Sns-Rawdelivery") != "true" || h.o.header.Get("Content-Type") != "application/json" {
			t.Error(h.o.bodies, h.o.header)
		}
	})
}

// A token is good for three days.
func TestTokenExpires(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.subscribe(ProtocolHTTP, "http://a", nil)
		synctest.Wait()
		var request map[string]string
		if err := json.Unmarshal([]byte(h.o.bodies["http://a"][0]), &request); err != nil {
			t.Fatal(err)
		}
		synctestSleep(tokenLifetime + time.Second)
		if _, err := h.Confirm(t.Context(), orders, request["Token"], false); !errors.Is(err, ErrToken) {
			t.Error(err)
		}
		h.subscribe(ProtocolHTTP, "http://a", nil) // asks again
		if _, err := h.Confirm(t.Context(), orders, request["Token"], false); err != nil {
			t.Error(err)
		}
	})
}

// synctestSleep lets the bubble's time pass.
func synctestSleep(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// A web server that is in trouble is tried three times more, 20 seconds apart, then the message goes to the dead-letter queue;
// one that refuses is not tried again. A delivery policy says otherwise.
func TestRetries(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		dead := map[string]string{RedrivePolicy: `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:dead"}`}
		sub := h.confirmed("http://a", dead)
		h.o.set("http://a", 503)
		h.publish(Message{Text: "one"})
		synctestSleep(time.Hour)
		h.expect("in trouble", "0s http://a, 20s http://a, 40s http://a, 1m0s http://a")
		const queue = "arn:aws:sqs:eu-west-1:123456789012:dead"
		if got := h.p.got[queue]; len(got) != 1 || !strings.Contains(got[0].Body, `"Message" : "one"`) {
			t.Errorf("%+v", h.p.got)
		}
		h.o.set("http://a", 429)
		h.publish(Message{Text: "two"})
		synctestSleep(30 * time.Second)
		h.o.set("http://a", 0)
		synctestSleep(time.Hour)
		h.expect("recovers", "1h0m0s http://a, 1h0m20s http://a, 1h0m40s http://a")
		for _, status := range []int{404, 301} {
			h.o.set("http://a", status)
			h.publish(Message{Text: "three"})
			synctestSleep(time.Hour)
			if notes := h.o.take(); strings.Count(notes, "http://a") != 1 {
				t.Errorf("%d: %s", status, notes)
			}
		}
		if got := h.p.got[queue]; len(got) != 3 {
			t.Errorf("%+v", got)
		}
		policy := `{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":5,"numRetries":6,"numNoDelayRetries":1,"numMinDelayRetries":1,"numMaxDelayRetries":1}}`
		if err := h.SetSubscriptionAttribute(t.Context(), orders, sub.ID, DeliveryPolicy, policy); err != nil {
			t.Fatal(err)
		}
		h.o.set("http://a", -1)
		h.o.start = time.Now()
		h.publish(Message{Text: "four"})
		synctestSleep(time.Hour)
		h.expect("a policy", "0s http://a, 0s http://a, 1s http://a, 2s http://a, 5s http://a, 10s http://a, 15s http://a")
		if n := h.backlog.depth[sub.key()]; n != 0 {
			t.Errorf("%d wait", n)
		}
	})
}

// A slow web server holds up neither other subscriptions nor the publisher.
func TestSlowEndpoint(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.confirmed("http://slow", nil)
		h.confirmed("http://quick", map[string]string{RawMessageDelivery: "true"})
		h.o.change(func() { h.o.hang["http://slow"] = true })
		const messages = 3 * attempts
		for i := range messages {
			h.publish(Message{Text: fmt.Sprint(i)})
		}
		synctest.Wait()
		if n := len(h.o.bodies["http://quick"]); n != messages {
			t.Errorf("%d of %d messages were quick", n, messages)
		}
		if n := len(h.o.bodies["http://slow"]); n != attempts {
			t.Errorf("%d attempts at a time", n)
		}
		if elapsed := time.Since(h.o.start); elapsed != 0 {
			t.Errorf("took %v", elapsed)
		}
	})
}

// A function receives SNS's event. When it fails it runs twice more, as on AWS; when it cannot be reached, many times.
func TestFunction(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		const name = "arn:aws:lambda:eu-west-1:123456789012:function:charge"
		sub := h.subscribe(ProtocolFunction, name, map[string]string{FilterPolicy: `{"kind":["sale"]}`})
		sale := map[string]Attribute{"kind": {Type: "String", Text: "sale"}, "raw": {Type: "Binary", Binary: []byte{1}}}
		h.publish(Message{Text: "not wanted"})
		h.publish(Message{Text: "hi", Attributes: sale})
		h.expect("invoked", "0s "+name)
		var event struct {
			Records []struct {
				EventVersion, EventSource, EventSubscriptionArn string
				Sns                                             map[string]any
			}
		}
		if err := json.Unmarshal([]byte(h.o.bodies[name][0]), &event); err != nil {
			t.Fatal(err)
		}
		r := event.Records[0]
		if r.EventVersion != "1.0" || r.EventSource != "aws:sns" || r.EventSubscriptionArn != sub.ARN() || r.Sns["Message"] != "hi" ||
			r.Sns["SigningCertUrl"] == nil || r.Sns["UnsubscribeUrl"] == nil || fmt.Sprint(r.Sns["MessageAttributes"]) != "map[kind:map[Type:String Value:sale] raw:map[Type:Binary Value:AQ==]]" {
			t.Errorf("%+v", event)
		}
		if subject, there := r.Sns["Subject"]; !there || subject != nil {
			t.Error(r.Sns)
		}
		h.o.change(func() { h.o.fail, h.o.start = errors.New("no instance"), time.Now() })
		h.publish(Message{Text: "busy", Attributes: sale})
		synctestSleep(2 * time.Second)
		h.expect("out of reach", strings.TrimSuffix(strings.Repeat("0s "+name+", ", 4), ", ")+", 1s "+name+", 2s "+name)
		h.o.change(func() { h.o.fail = nil })
		synctestSleep(time.Minute)
		h.expect("in reach", "3s "+name)
		h.o.change(func() { h.o.fail = fmt.Errorf("%w: gone", ErrUndeliverable) })
		h.publish(Message{Text: "never", Attributes: sale})
		synctestSleep(time.Hour)
		if notes := h.o.take(); strings.Count(notes, name) != 1 {
			t.Error(notes)
		}
	})
}

// What was acknowledged is brought after a crash, and no sooner tried again than was noted.
func TestCrashKeepsBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs, o := vfs.NewCrashableMem(), newOutside()
		h := newHouse(t, fs, o)
		if err := h.Create(t.Context(), orders, nil, nil); err != nil {
			t.Fatal(err)
		}
		h.confirmed("http://a", map[string]string{RawMessageDelivery: "true"})
		o.change(func() { o.hang["http://a"] = true })
		h.subscribe(ProtocolHTTP, "http://b", nil)
		h.publish(Message{Text: "one"}, Message{Text: "two"})
		clone := fs.CrashClone(vfs.CrashCloneCfg{})
		h.stop()
		again := newOutside()
		h = newHouse(t, clone, again)
		synctest.Wait()
		if got := again.bodies["http://a"]; len(got) != 2 || got[0] == got[1] {
			t.Errorf("%v", again.bodies)
		}
		again.set("http://a", 500)
		again.take()
		again.start = time.Now()
		h.publish(Message{Text: "three"})
		synctestSleep(5 * time.Second)
		h.expect("fails once", "0s http://a")
		clone = clone.CrashClone(vfs.CrashCloneCfg{})
		h.stop()
		last := newOutside()
		last.start = again.start
		h = newHouse(t, clone, last)
		synctestSleep(time.Minute)
		h.expect("fails no more", "20s http://a")
		h.stop()
	})
}

// A backlog that is longer than the window is brought whole, and what nobody is subscribed to any more is cleared.
func TestLongBacklog(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		sub := h.confirmed("http://a", map[string]string{RawMessageDelivery: "true"})
		h.o.set("http://a", 500)
		const messages = window + window/2
		for i := range messages / 10 {
			var batch []Message
			for j := range 10 {
				batch = append(batch, Message{Text: fmt.Sprint(i*10 + j)})
			}
			h.publish(batch...)
		}
		synctest.Wait()
		h.o.change(func() { clear(h.o.bodies) })
		h.o.set("http://a", 0)
		synctestSleep(time.Minute)
		seen := map[string]bool{}
		for _, body := range h.o.bodies["http://a"] {
			seen[body] = true
		}
		if len(seen) != messages/10*10 || h.backlog.depth[sub.key()] != 0 {
			t.Errorf("%d of %d came, %d wait", len(seen), messages, h.backlog.depth[sub.key()])
		}
		h.o.set("http://a", 500)
		h.publish(Message{Text: "last"})
		synctest.Wait()
		if err := h.Unsubscribe(t.Context(), orders, sub.ID); err != nil {
			t.Fatal(err)
		}
		synctestSleep(time.Minute)
		if n := len(h.backlog.depth); n != 0 {
			t.Errorf("%d wait for nobody", n)
		}
	})
}

// A function is told in which trace the message was published, also when it is not reached at once.
func TestTrace(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.subscribe(ProtocolFunction, "f", nil)
		h.o.change(func() { h.o.fail = errors.New("throttled") })
		h.publish(Message{Text: "a", Trace: "Root=1-5759e988-bd862e3fe1be46a994272793"})
		synctest.Wait()
		h.o.change(func() { h.o.fail, h.o.trace = nil, "" })
		<-time.After(time.Minute)
		h.o.mu.Lock()
		defer h.o.mu.Unlock()
		if h.o.trace != "Root=1-5759e988-bd862e3fe1be46a994272793" {
			t.Errorf("trace %q", h.o.trace)
		}
	})
}
