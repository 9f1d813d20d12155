package topic

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store/disk"
)

// postbox keeps what is delivered, by endpoint. Endpoints in fail answer with an error.
type postbox struct {
	mu   sync.Mutex
	got  map[string][]Delivery
	fail map[string]error
}

func (p *postbox) Deliver(_ context.Context, endpoint string, deliveries []Delivery) ([]error, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.fail[endpoint]; errors.Is(err, ErrUndeliverable) {
		return slices.Repeat([]error{err}, len(deliveries)), nil
	} else if err != nil {
		return nil, err
	}
	if p.got == nil {
		p.got = map[string][]Delivery{}
	}
	p.got[endpoint] = append(p.got[endpoint], deliveries...)
	return nil, nil
}

func newRoom(t *testing.T, fs vfs.FS, d Deliverer) *Service {
	t.Helper()
	engine, err := disk.Open(disk.Options{Memory: true, FS: fs, ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	clock := clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	s, err := New(t.Context(), Config{Store: engine, Clock: clock, Deliverer: d, URL: "http://127.0.0.1:4566"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var orders = Name{Account: "123456789012", Region: "eu-west-1", Name: "orders"}

func (s *Service) mustSubscribe(t *testing.T, endpoint string, attributes map[string]string) Subscription {
	t.Helper()
	sub, err := s.Subscribe(t.Context(), orders, orders.Account, "sqs", endpoint, attributes)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// What was acknowledged is there after a crash, the key that signs among it.
func TestCrashKeepsTopics(t *testing.T) {
	fs, ctx := vfs.NewCrashableMem(), t.Context()
	s := newRoom(t, fs, new(postbox))
	if err := s.Create(ctx, orders, map[string]string{"DisplayName": "Orders"}, nil); err != nil {
		t.Fatal(err)
	}
	one, two := s.mustSubscribe(t, "one", nil), s.mustSubscribe(t, "two", nil)
	if err := s.SetSubscriptionAttribute(ctx, orders, one.ID, RawMessageDelivery, "true"); err != nil {
		t.Fatal(err)
	}
	if err := s.Unsubscribe(ctx, orders, two.ID); err != nil {
		t.Fatal(err)
	}
	gone := Name{orders.Account, orders.Region, "gone"}
	if err := errors.Join(s.Create(ctx, gone, nil, nil), s.Delete(ctx, gone)); err != nil {
		t.Fatal(err)
	}
	_, path, err := s.signer.sign(ctx, "1", "x")
	if err != nil {
		t.Fatal(err)
	}
	again := newRoom(t, fs.CrashClone(vfs.CrashCloneCfg{}), new(postbox))
	if names, more := again.List(orders.Account, orders.Region, "", 10); len(names) != 1 || more {
		t.Errorf("%v", names)
	}
	top, err := again.Describe(orders)
	if err != nil || top.Attributes["DisplayName"] != "Orders" || top.Subscriptions != 1 {
		t.Errorf("%+v %v", top, err)
	}
	if sub, err := again.Subscription(orders, one.ID); err != nil || !sub.Raw() || sub.Endpoint != "one" {
		t.Errorf("%+v %v", sub, err)
	}
	if _, ok := again.Certificate(ctx, path); !ok {
		t.Error("another key signs")
	}
}

// Who verifies a notification with the certificate that it names finds it genuine, in both versions.
func TestSignatures(t *testing.T) {
	p, ctx := new(postbox), t.Context()
	s := newRoom(t, nil, p)
	if err := s.Create(ctx, orders, nil, nil); err != nil {
		t.Fatal(err)
	}
	s.mustSubscribe(t, "q", nil)
	for _, version := range []string{"", "1", "2"} {
		if version != "" {
			if err := s.SetAttribute(ctx, orders, "SignatureVersion", version); err != nil {
				t.Fatal(err)
			}
		}
		for _, subject := range []string{"", "About"} {
			p.got = nil
			if _, err := s.Publish(ctx, orders, Message{Text: "text\nof lines", Subject: subject}); err != nil {
				t.Fatal(err)
			}
			var m map[string]string
			if err := json.Unmarshal([]byte(p.got["q"][0].Body), &m); err != nil {
				t.Fatal(err)
			}
			if err := verify(s, m); err != nil {
				t.Errorf("version %q, subject %q: %v", version, subject, err)
			}
			m["Message"] += "!"
			if verify(s, m) == nil {
				t.Error("a changed message is genuine")
			}
		}
	}
}

// verify does what AWS's libraries do.
func verify(s *Service, m map[string]string) error {
	link, err := url.Parse(m["SigningCertURL"])
	if err != nil {
		return err
	}
	text, ok := s.Certificate(context.Background(), link.Path)
	if !ok {
		return fmt.Errorf("no certificate at %s", link)
	}
	block, _ := pem.Decode(text)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, name := range []string{"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"} {
		if v, ok := m[name]; ok {
			b.WriteString(name + "\n" + v + "\n")
		}
	}
	signature, err := base64.StdEncoding.DecodeString(m["Signature"])
	if err != nil {
		return err
	}
	key := certificate.PublicKey.(*rsa.PublicKey)
	if m["SignatureVersion"] == "2" {
		sum := sha256.Sum256([]byte(b.String()))
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	}
	sum := sha1.Sum([]byte(b.String()))
	return rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], signature)
}

// A publish succeeds when every endpoint has the message or can never take it, and fails when one might have.
func TestPublishReachesAll(t *testing.T) {
	p, ctx := &postbox{fail: map[string]error{}}, t.Context()
	s := newRoom(t, nil, p)
	if err := s.Create(ctx, orders, nil, nil); err != nil {
		t.Fatal(err)
	}
	const endpoints = 3 * atOnce
	for i := range endpoints {
		s.mustSubscribe(t, fmt.Sprint("q", i), map[string]string{RawMessageDelivery: "True"})
	}
	p.fail["q7"] = fmt.Errorf("too long: %w", ErrUndeliverable)
	if ids, err := s.Publish(ctx, orders, Message{Text: "one"}, Message{Text: "two"}); err != nil || len(ids) != 2 {
		t.Fatal(ids, err)
	}
	if len(p.got) != endpoints-1 {
		t.Errorf("%d endpoints were reached", len(p.got))
	}
	for endpoint, got := range p.got {
		if len(got) != 2 || got[0].Body != "one" || got[1].Body != "two" {
			t.Errorf("%s: %v", endpoint, got)
		}
	}
	full := errors.New("disk full")
	p.fail["q8"] = full
	if _, err := s.Publish(ctx, orders, Message{Text: "three"}); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
}

// Facts: 7.1.6.
func TestRefusals(t *testing.T) {
	s, ctx := newRoom(t, nil, new(postbox)), t.Context()
	if err := s.Create(ctx, orders, nil, nil); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", MaxMessageBytes)
	for name, c := range map[string]struct {
		m    Message
		want error
	}{
		"empty":         {Message{}, ErrEmptyMessage},
		"longest":       {Message{Text: long}, nil},
		"too long":      {Message{Text: long + "x"}, ErrTooLong},
		"by attributes": {Message{Text: long, Attributes: map[string]Attribute{"a": {Type: "String", Text: "x"}}}, ErrTooLong},
		"subject":       {Message{Text: "x", Subject: strings.Repeat("ä", 101)}, ErrSubject},
		"control":       {Message{Text: "x", Subject: "a\nb"}, ErrSubject},
	} {
		if _, err := s.Publish(ctx, orders, c.m); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Publish(ctx, orders, Message{Text: long}, Message{Text: "x"}); !errors.Is(err, ErrTooLong) {
		t.Errorf("a batch: %v", err)
	}
	for name := range maps.Keys(topicAttributes) {
		if name == "DisplayName" {
			continue
		}
		var refused *AttributeError
		if err := s.SetAttribute(ctx, orders, name, "no such value"); !errors.As(err, &refused) {
			t.Errorf("%s takes anything: %v", name, err)
		}
	}
}

func TestPages(t *testing.T) {
	s, ctx := newRoom(t, nil, new(postbox)), t.Context()
	for _, n := range []string{"a", "b", "c"} {
		if err := s.Create(ctx, Name{orders.Account, orders.Region, n}, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	names, more := s.List(orders.Account, orders.Region, "a", 1)
	if len(names) != 1 || names[0] != "b" || !more {
		t.Error(names, more)
	}
	if names, more = s.List(orders.Account, orders.Region, "b", 1); len(names) != 1 || names[0] != "c" || more {
		t.Error(names, more)
	}
	if names, _ = s.List("000000000000", orders.Region, "", 10); len(names) != 0 {
		t.Error("another account sees", names)
	}
}
