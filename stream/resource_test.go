package stream

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseResource(t *testing.T) {
	const arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/s"
	for text, want := range map[string]Resource{
		arn:                            {Stream: named("s")},
		arn + "/consumer/c:1700000000": ofConsumer(ConsumerID{named("s"), "c", 1700000000}),
	} {
		if got, err := ParseResource(text); err != nil || got != want || got.ARN() != text {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", arn + "/consumer/", arn + "/consumer/c", arn + "/consumer/c:", arn + "/consumer/c:x", arn + "/consumer/c:1:2", arn + "/consumer/a/b:1",
		arn + "/other", "arn:aws:kinesis:eu-west-1:123456789012:stream/", "arn:aws:sqs:eu-west-1:123456789012:stream/s",
	} {
		if got, err := ParseResource(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestTagAlphabets(t *testing.T) {
	for text, want := range map[string]error{
		"aZ09 _./-=+@": nil, "ÀÖØ῾": nil, "日本": nil, "퟿": nil, "": nil,
		"%": ErrTagPercent, "a%b": ErrTagPercent, "%;": ErrTagCharacters,
		";": ErrTagCharacters, ",": ErrTagCharacters, "\t": ErrTagCharacters, "¿": ErrTagCharacters, "\u2000": ErrTagCharacters,
		"\ue000": ErrTagCharacters, "😀": ErrTagCharacters, ":": ErrTagCharacters, "\xff": ErrTagCharacters,
	} {
		if err := checkTags([]string{"fine", text}, StreamTags); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
	if err := checkTags([]string{"a:b"}, ResourceTags); err != nil {
		t.Error(err)
	}
}

// TestAttributesSurviveARestart sets everything that can be set of a stream, and restarts.
func TestAttributesSurviveARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newSwingingClock()
		r := newRig(t, Config{Clock: clock})
		ctx, name, resource := t.Context(), named("s"), Resource{Stream: named("s")}
		if _, err := r.Commit(ctx, testAccount, testRegion, true); err != nil {
			t.Fatal(err)
		}
		if err := r.Create(ctx, name, CreateOptions{Tags: map[string]string{"a": "1", "b": "2"}, WarmMiBps: new(5)}); err != nil {
			t.Fatal(err)
		}
		r.await("s", StatusActive)
		r.put("s", "k", "old")
		clock.swing(30 * time.Hour)
		for what, f := range map[string]func() error{
			"retention":   func() error { return r.IncreaseRetention(ctx, name, 48) },
			"tags":        func() error { return r.AddTags(ctx, resource, map[string]string{"b": "3", "c": "4"}, StreamTags) },
			"untagged":    func() error { return r.RemoveTags(ctx, resource, []string{"a"}, StreamTags) },
			"policy":      func() error { return r.PutPolicy(ctx, resource, goodPolicy) },
			"metrics":     func() error { _, _, err := r.Monitor(ctx, name, []string{AllShardMetrics}, true); return err },
			"encryption":  func() error { return r.StartEncryption(ctx, name, "alias/k") },
			"record size": func() error { return r.SetMaxRecordBytes(ctx, name, 2<<20) },
			"warmth":      func() error { _, err := r.SetWarmThroughput(ctx, name, 7); return err },
		} {
			if err := f(); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			r.expect("s", StatusActive)
		}
		r.put("s", "k", "new")
		look := func() (st Stream, tags []Tag, policy string, c Commitment, records []string) {
			st = r.describe("s")
			tags, _ = r.Tags(ctx, resource)
			policy, _ = r.Policy(ctx, resource)
			c, err := r.Commitment(ctx, testAccount, testRegion)
			if err != nil {
				t.Fatal(err)
			}
			for i := range uint32(4) {
				found, _ := r.drain(ShardKey{st.Number, i}, 0, 10)
				records = append(records, texts(found)...)
			}
			return st, tags, policy, c, records
		}
		check := func(when string) {
			t.Helper()
			st, tags, policy, c, records := look()
			if st.Retention != 48*time.Hour || st.KeyID != "alias/k" || st.MaxRecordBytes != 2<<20 || st.WarmMiBps != 7 || len(st.ShardMetrics) != 7 {
				t.Errorf("%s: %+v", when, st)
			}
			if !slices.Equal(tags, []Tag{{"b", "3"}, {"c", "4"}}) || policy != goodPolicy || c.Status != CommitmentOn {
				t.Errorf("%s: %v, %q, %+v", when, tags, policy, c)
			}
			if !slices.Equal(records, []string{"new"}) { // what had expired before the increase stays so
				t.Errorf("%s: records %q", when, records)
			}
		}
		check("before")
		r.restart()
		check("after")
		for range 2 { // once more without it all
			if err := r.Delete(ctx, name); err != nil {
				t.Fatal(err)
			}
			r.expect("s", "gone")
			r.make("s", 1)
			st := r.describe("s")
			tags, _ := r.Tags(ctx, resource)
			policy, _ := r.Policy(ctx, resource)
			if st.Retention != DefaultRetention || st.KeyID != "" || st.MaxRecordBytes != DefaultRecordBytes || st.ShardMetrics != nil ||
				st.WarmMiBps != 0 || !st.trimmed.IsZero() || len(tags) != 0 || policy != "" {
				t.Errorf("of a new stream: %+v, %v, %q", st, tags, policy)
			}
			r.restart()
		}
		r.stop()
	})
}

// goodPolicy is one that a stream can have.
const goodPolicy = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"kinesis:Get*"}}`

// TestAttachedGoesWithTheStream looks at what the store holds: of consumers too, and of no other stream.
func TestAttachedGoesWithTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		ctx := t.Context()
		for _, name := range []string{"s", "s-2", "r"} {
			r.make(name, 1)
			if err := r.AddTags(ctx, Resource{Stream: named(name)}, map[string]string{"of": name}, StreamTags); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.RegisterConsumer(ctx, named("s"), "c", map[string]string{"of": "consumer"}); err != nil {
			t.Fatal(err)
		}
		if err := r.DeleteWithConsumers(ctx, named("s")); err != nil {
			t.Fatal(err)
		}
		r.expect("s", "gone")
		var left []string
		for item, err := range r.catalog.resources.Scan(ctx, "") {
			if err != nil {
				t.Fatal(err)
			}
			left = append(left, item.Value.Tags["of"])
		}
		if !slices.Equal(left, []string{"r", "s-2"}) {
			t.Errorf("left are %v", left)
		}
		// A resource that loses its last tag leaves nothing.
		if err := r.RemoveTags(ctx, Resource{Stream: named("r")}, []string{"of"}, StreamTags); err != nil {
			t.Fatal(err)
		}
		if d, err := r.catalog.attached(ctx, Resource{Stream: named("r")}); err != nil || !reflect.DeepEqual(d, resourceDocument{}) {
			t.Errorf("%+v, %v", d, err)
		}
		r.stop()
	})
}

func TestTagsOfAResourceAreBounded(t *testing.T) {
	many := make(map[string]string)
	for i := range MaxTags {
		many[fmt.Sprint("k", i)] = "v"
	}
	sum, err := addTags(many, map[string]string{"k1": "w"}, StreamTags)
	if err != nil || len(sum) != MaxTags || sum["k1"] != "w" || many["k1"] != "v" {
		t.Errorf("%d tags, %v", len(sum), err)
	}
	if _, err := addTags(many, map[string]string{"one": "more"}, StreamTags); !errors.Is(err, ErrTooManyTags) {
		t.Error(err)
	}
}

func TestPoliciesOfConsumers(t *testing.T) {
	consumer := ofConsumer(ConsumerID{named("s"), "c", 1})
	policy := func(statement string) string { return `{"Statement":[` + statement + `]}` }
	const who = `"Effect":"Deny","Principal":{"AWS":["a","b"]},`
	for text, good := range map[string]bool{
		policy(`{` + who + `"Action":"kinesis:SubscribeToShard"}`):                                        true,
		policy(`{` + who + `"Action":["KINESIS:describestreamconsumer","kinesis:*"]}`):                    true,
		policy(`{` + who + `"Action":"kinesis:Subscribe??Shard","Resource":"arn:*:stream/s/consumer/*"}`): true,
		policy(`{` + who + `"Action":"kinesis:PutRecord"}`):                                               false,
		policy(`{` + who + `"Action":"kinesis:[S]ubscribeToShard"}`):                                      false,
		policy(`{` + who + `"Action":"kinesis:SubscribeToShard","Resource":"arn:*:stream/s"}`):            false,
		policy(`{` + who + `"Action":5}`):                                                                 false,
		policy(`{"Effect":"Allow","Principal":{"AWS":[]},"Action":"kinesis:*"}`):                          false,
		policy(`{"Effect":"Allow","Principal":{"AWS":""},"Action":"kinesis:*"}`):                          false,
		policy(`5`):   false,
		policy(``):    false,
		`{} trailing`: false,
	} {
		if err := checkPolicy(consumer, text); (err == nil) != good || err != nil && !errors.As(err, new(*PolicyError)) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := checkPolicy(consumer, policy(`{`+who+`"Sid":"`+strings.Repeat("x", MaxPolicyBytes)+`","Action":"kinesis:*"}`)); err == nil {
		t.Error("a policy beyond all bounds is accepted")
	}
}

func TestAttributesOfConsumers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{TransitionDelay: time.Second})
		ctx, name := t.Context(), named("s")
		if err := r.Create(ctx, name, CreateOptions{ShardCount: 1}); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
		if _, err := r.RegisterConsumer(ctx, name, "bad", map[string]string{";": ""}); !errors.Is(err, ErrTagCharacters) {
			t.Error(err)
		}
		c, err := r.RegisterConsumer(ctx, name, "c", map[string]string{"made": "with"})
		if err != nil {
			t.Fatal(err)
		}
		consumer := ofConsumer(c.ID())
		const policy = `{"Statement":{"Effect":"Allow","Principal":"*","Action":"kinesis:SubscribeToShard"}}`
		if err := errors.Join(r.AddTags(ctx, consumer, map[string]string{"a:b": "c"}, ResourceTags), r.PutPolicy(ctx, consumer, policy)); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
		r.restart()
		tags, err := r.Tags(ctx, consumer)
		kept, err2 := r.Policy(ctx, consumer)
		if !slices.Equal(tags, []Tag{{"a:b", "c"}, {"made", "with"}}) || kept != policy {
			t.Errorf("%v, %q, %v, %v", tags, kept, err, err2)
		}
		if tags, err := r.Tags(ctx, Resource{Stream: name}); err != nil || len(tags) != 0 {
			t.Errorf("of the stream: %v, %v", tags, err)
		}
		if err := r.DeregisterConsumer(ctx, c.ID()); err != nil {
			t.Fatal(err)
		}
		if err := r.AddTags(ctx, consumer, map[string]string{"x": "y"}, ResourceTags); !errors.As(err, new(*ConsumerNotFoundError)) {
			t.Errorf("tags of a consumer that is DELETING: %v", err)
		}
		r.pass(time.Second)
		if _, err := r.Tags(ctx, consumer); !errors.As(err, new(*ConsumerNotFoundError)) {
			t.Errorf("tags of a consumer that is gone: %v", err)
		}
		for item, err := range r.catalog.resources.Scan(ctx, "") {
			t.Errorf("left is %+v, %v", item, err)
		}
		r.stop()
	})
}
