package queue_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/queue"
)

// TestDigests compares with values recorded from AWS.
func TestDigests(t *testing.T) {
	text := func(typ, v string) queue.Attribute { return queue.Attribute{Type: typ, Text: v} }
	for _, c := range []struct {
		attributes map[string]queue.Attribute
		want       string
	}{
		{nil, ""},
		{map[string]queue.Attribute{"k": text("String", "x")}, "a45daa70926828a2f0a1db3418e6feb4"},
		{map[string]queue.Attribute{"MyAttribute": text("String", "foobar")}, "adb59cd4678ea5a855436b949cd07ab6"},
		{map[string]queue.Attribute{"timestamp": text("Number", "1493147359900")}, "235c5c510d26fb653d073faed50ae77c"},
		{map[string]queue.Attribute{"Foo": text("String", "Bar")}, "ae7155c6026991b6d54b11589678bf9c"},
		{map[string]queue.Attribute{
			"attr1": {Type: "Binary", Binary: []byte("traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01")},
		}, "8cbe4db156db8a94db8b801b7addb984"},
		{map[string]queue.Attribute{
			"Help.Me": text("String", "Me"), "Hello": text("String", "There"), "General": text("String", "Kenobi"),
		}, "4c360f3fdafd970e05fae2f149d997f5"},
	} {
		if got := queue.AttributesDigest(c.attributes); got != c.want {
			t.Errorf("%v: %s, want %s", c.attributes, got, c.want)
		}
	}
	if got := queue.TraceDigest("some-trace-id"); got != "fdce4f2818803f2f73becc09a54792c0" {
		t.Errorf("trace header: %s", got)
	}
	if queue.Digest("foobar") != "3858f62230ac3c915f300c664312c63f" || queue.TraceDigest("") != "" {
		t.Error("digest of a body, or of no trace header")
	}
}

func TestMessageComesOutAsItWentIn(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		in := queue.Message{
			Body: "\"&quot;&quot;\r\n\t<ä€𝄞>", TraceHeader: "Root=1-3152b799", Sender: "AIDA",
			Attributes: map[string]queue.Attribute{
				"text": {Type: "String.json", Text: "{\"ä\": 1}"}, "n": {Type: "Number", Text: "-1.5e3"},
				"bin": {Type: "Binary.png", Binary: []byte{0, 1, 255}},
			},
		}
		sent := r.sendMessage(in)
		r.restart()
		got := r.receive(1)[0]
		if got.Body != in.Body || got.Sender != in.Sender || got.TraceHeader != in.TraceHeader {
			t.Errorf("received %+v", got)
		}
		if fmt.Sprint(got.Attributes) != fmt.Sprint(in.Attributes) {
			t.Errorf("attributes %v", got.Attributes)
		}
		if got.ID != sent.ID || got.Digest != sent.Digest || queue.AttributesDigest(got.Attributes) != sent.AttributesDigest {
			t.Errorf("sent %+v, received %+v", sent, got)
		}
		if len(sent.ID) != 36 || sent.Digest != queue.Digest(in.Body) || sent.TraceDigest != queue.TraceDigest(in.TraceHeader) {
			t.Errorf("sent %+v", sent)
		}
	})
}

func TestMessagesAreJudged(t *testing.T) {
	bubble(t, map[string]string{"MaximumMessageSize": "1024"}, func(t *testing.T, r *room) {
		attribute := func(name, typ, text string) map[string]queue.Attribute {
			return map[string]queue.Attribute{name: {Type: typ, Text: text}}
		}
		many := map[string]queue.Attribute{}
		for i := range 11 {
			many[fmt.Sprint("a", i)] = queue.Attribute{Type: "String", Text: "x"}
		}
		problem := func(p queue.MessageAttributeProblem) any { return p }
		for _, c := range []struct {
			name       string
			body       string
			attributes map[string]queue.Attribute
			want       any // nil, an error, or a problem
		}{
			{"empty", "", nil, queue.ErrEmptyBody},
			{"full", strings.Repeat("x", 1024), nil, nil},
			{"too long", strings.Repeat("x", 1025), nil, &queue.TooLongError{Limit: 1024, Bytes: 1025}},
			{"too long in bytes", strings.Repeat("ä", 513), nil, &queue.TooLongError{Limit: 1024, Bytes: 1026}},
			{"full with attribute", strings.Repeat("x", 1016), attribute("k", "String", "x"), nil},
			{
				"too long with attribute", strings.Repeat("x", 1017), attribute("k", "String", "x"),
				&queue.TooLongError{Limit: 1024, Bytes: 1025},
			},
			{"edges of XML", "\t\n\r\u0020\ud7ff\ue000\ufffd\U00010000\U0010ffff", nil, nil},
			{"nul", "a\x00", nil, queue.ErrInvalidCharacters},
			{"control", "a\x1f", nil, queue.ErrInvalidCharacters},
			{"not a character", "a\uffff", nil, queue.ErrInvalidCharacters},
			{"broken UTF-8", "a\xff", nil, queue.ErrInvalidCharacters},
			{"half a pair", "a\xed\xa0\x80", nil, queue.ErrInvalidCharacters},
			{"eleven attributes", "a", many, problem(queue.TooManyAttributes)},
			{"no name", "a", attribute("", "String", "x"), problem(queue.AttributeNameEmpty)},
			{"long name", "a", attribute(strings.Repeat("n", 257), "String", "x"), problem(queue.AttributeNameLength)},
			{"longest name", "a", attribute(strings.Repeat("n", 256), "String", "x"), nil},
			{"name of letters", "a", attribute("attr.1øßä", "String", "x"), nil},
			{"aWs.", "a", attribute("aWs.x", "String", "x"), problem(queue.AttributeNameReserved)},
			{"AMAZON.", "a", attribute("AMAZON.x", "String", "x"), problem(queue.AttributeNameReserved)},
			{"aws", "a", attribute("aws", "String", "x"), nil},
			{"dot first", "a", attribute(".x", "String", "x"), problem(queue.AttributeNameDotFirst)},
			{"dot last", "a", attribute("x.", "String", "x"), problem(queue.AttributeNameDotLast)},
			{"dots", "a", attribute("x..y", "String", "x"), problem(queue.AttributeNameDots)},
			{"mark in name", "a", attribute("x!y", "String", "x"), problem(queue.AttributeNameCharacters)},
			{"paragraph in name", "a", attribute("x§y", "String", "x"), problem(queue.AttributeNameCharacters)},
			{"broken name", "a", attribute("x\xff", "String", "x"), problem(queue.AttributeNameCharacters)},
			{"no type", "a", attribute("x", "", "x"), problem(queue.AttributeTypeEmpty)},
			{"other type", "a", attribute("x", "Invalid", "x"), problem(queue.AttributeTypeInvalid)},
			{"long type", "a", attribute("x", "Number."+strings.Repeat("L", 256), "1"), problem(queue.AttributeTypeLength)},
			{"no value", "a", attribute("x", "String", ""), problem(queue.AttributeValueEmpty)},
			{"no bytes", "a", attribute("x", "Binary", "text"), problem(queue.AttributeValueEmpty)},
			{"control in value", "a", attribute("x", "String", "a\b"), problem(queue.AttributeValueCharacters)},
			{"word for number", "a", attribute("x", "Number", "world"), problem(queue.AttributeNotNumber)},
			{"infinity", "a", attribute("x", "Number", "Inf"), problem(queue.AttributeNotNumber)},
			{"hexadecimal", "a", attribute("x", "Number", "0x10"), problem(queue.AttributeNotNumber)},
			{"39 digits", "a", attribute("x", "Number", strings.Repeat("1", 39)), problem(queue.AttributeNotNumber)},
			{"38 digits", "a", attribute("x", "Number", strings.Repeat("1", 38)), nil},
			{"large", "a", attribute("x", "Number", "1e126"), nil},
			{"too large", "a", attribute("x", "Number", "1e127"), problem(queue.AttributeNotNumber)},
			{"far too large", "a", attribute("x", "Number", "1e999999999"), problem(queue.AttributeNotNumber)},
			{"too small", "a", attribute("x", "Number", "1e-129"), problem(queue.AttributeNotNumber)},
			{"zero", "a", attribute("x", "Number", "-0.000"), nil},
			{"own number", "a", attribute("x", "Number.bigint", "1234567890123456789012"), nil},
		} {
			sent, err := r.Send(background, orders, queue.Message{Body: c.body, Attributes: c.attributes})
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			got := sent[0].Err
			var refused *queue.MessageAttributeError
			switch want := c.want.(type) {
			case nil:
				if got != nil {
					t.Errorf("%s: %v", c.name, got)
				}
			case queue.MessageAttributeProblem:
				if !errors.As(got, &refused) || refused.Problem != want {
					t.Errorf("%s: %v, want problem %d", c.name, got, want)
				}
			case error:
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s: %v, want %v", c.name, got, want)
				}
			}
		}
	})
}

func TestBatch(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *room) {
		sent, err := r.Send(background, orders,
			queue.Message{Body: "a"}, queue.Message{}, queue.Message{Body: "\x01"}, queue.Message{Body: "b"})
		if err != nil {
			t.Fatal(err)
		}
		if sent[0].Err != nil || sent[1].Err != queue.ErrEmptyBody || sent[2].Err != queue.ErrInvalidCharacters || sent[3].Err != nil {
			t.Errorf("%+v", sent)
		}
		r.expect("a", "b")
		half := strings.Repeat("x", 1<<19)
		if _, err = r.Send(background, orders, queue.Message{Body: half}, queue.Message{Body: half}); err != nil {
			t.Error(err)
		}
		_, err = r.Send(background, orders, queue.Message{Body: half}, queue.Message{Body: half + "x"})
		var long *queue.TooLongError
		if !errors.As(err, &long) || !long.Batch || long.Bytes != 1<<20+1 {
			t.Errorf("a batch that is too long: %v", err)
		}
		if sent, err := r.Send(background, orders); err != nil || len(sent) != 0 {
			t.Errorf("nothing: %v %v", sent, err)
		}
	})
}
