package query

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var input = Shape{Kind: Structure, Members: []Member{
	{JSON: "Text", Name: "Text", Shape: &Shape{Kind: Text}},
	{JSON: "Number", Name: "Number", Shape: &Shape{Kind: Number}},
	{JSON: "Flag", Name: "Flag", Shape: &Shape{Kind: Boolean}},
	{JSON: "When", Name: "When", Shape: &Shape{Kind: Time}},
	{JSON: "Entries", Name: "Entry", Shape: &Shape{Kind: List, Flat: true, Element: &Shape{Kind: Structure, Members: []Member{
		{JSON: "Id", Name: "Id", Shape: &Shape{Kind: Text}},
	}}}},
	{JSON: "Attributes", Name: "Attribute", Shape: &Shape{Kind: Map, Flat: true, Key: "Name", Value: "Value", Element: &Shape{Kind: Text}}},
	{JSON: "Names", Name: "Names", Shape: &Shape{Kind: List, Element: &Shape{Kind: Text}}},
	{JSON: "Tags", Name: "Tags", Shape: &Shape{Kind: Map, Key: "key", Value: "value", Element: &Shape{Kind: Number}}},
	{JSON: "Inline", Name: "Inline", Shape: &Shape{Kind: List, Element: &Shape{Kind: Text}}, Flat: true},
}}

func TestDocument(t *testing.T) {
	for _, row := range []struct{ why, form, want string }{
		{"nothing", "", `{}`},
		{"scalars", "Text=a+%22b%22&Number=12&Flag=true&When=2026-01-02T03:04:05.5Z", `{"Text":"a \"b\"","Number":12,"Flag":"true","When":1767323045.5}`},
		{"seconds for a time", "When=12.5", `{"When":12.5}`},
		{"what cannot be a number or a time stays text, for the reader to refuse", "Number=soon&When=later", `{"Number":"soon","When":"later"}`},
		{"a flat list of structures, by number", "Entry.10.Id=c&Entry.2.Id=b&Entry.1.Id=a", `{"Entries":[{"Id":"a"},{"Id":"b"},{"Id":"c"}]}`},
		{"a flat map", "Attribute.1.Name=x&Attribute.1.Value=1&Attribute.2.Name=y&Attribute.2.Value=", `{"Attributes":{"x":"1","y":""}}`},
		{"half an entry", "Attribute.1.Name=x&Attribute.2.Value=y", `{"Attributes":{}}`},
		{"a list with member", "Names.member.1=a&Names.member.2=b", `{"Names":["a","b"]}`},
		{"a map with entry", "Tags.entry.1.key=k&Tags.entry.1.value=1", `{"Tags":{"k":1}}`},
		{"a member that is flat by itself", "Inline.1=a", `{"Inline":["a"]}`},
		{"an empty list", "Names=", `{"Names":[]}`},
		{"what is not named", "Other=1&Entry.x.Id=a&Names.1=a&Text.more=1", `{"Text":null,"Entries":[],"Names":[]}`},
		{"the first of two", "Text=a&Text=b", `{"Text":"a"}`},
		{"a name with too many parts", "Text" + strings.Repeat(".a", maxParts) + "=x", `{}`},
	} {
		form, err := url.ParseQuery(row.form)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(Document(form, &input)); got != row.want {
			t.Errorf("%s\n got %s\nwant %s", row.why, got, row.want)
		}
	}
}

func TestXML(t *testing.T) {
	type pair struct{ a, b string }
	members := func(p *pair, b []byte) []byte { return AppendString(AppendString(b, "a", p.a), "b", p.b) }
	b := AppendString(nil, "s", "<&>\"'\r\n\t\x00é\xff")
	b = AppendInt(b, "i", -1)
	b = AppendBool(b, "t", true)
	b = AppendDouble(b, "d", 0.5)
	b = AppendTimestamp(b, "w", time.UnixMilli(1459799926480))
	b = AppendBlob(b, "x", []byte("abc"))
	b = AppendScalars(b, "l", []string{"1", "2"}, AppendString)
	b = AppendStructs(b, "p", []pair{{"1", "2"}}, members)
	b = AppendMap(b, "m", "Name", "Value", map[string]string{"b": "2", "a": "1"}, AppendString)
	b = AppendStructMap(b, "n", "Name", "Value", map[string]pair{"k": {"1", "2"}}, members)
	want := "<s>&lt;&amp;&gt;&quot;'&#xD;\n\t\ufffdé\ufffd</s><i>-1</i><t>true</t><d>0.5</d><w>2016-04-04T19:58:46.480Z</w><x>YWJj</x>" +
		"<l>1</l><l>2</l><p><a>1</a><b>2</b></p><m><Name>a</Name><Value>1</Value></m><m><Name>b</Name><Value>2</Value></m>" +
		"<n><Name>k</Name><Value><a>1</a><b>2</b></Value></n>"
	if string(b) != want {
		t.Errorf("\n got %s\nwant %s", b, want)
	}
}

// FuzzDocument checks that every form becomes a JSON object, no bigger than the form allows.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{"Text=a&Number=1", "Entry.1.Id=a", "Attribute.1.Name=\x00&Attribute.1.Value=\xff", "Tags.entry.1.key=k&Tags.entry.1.value=1e5", "Names.member.1=a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		form, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		document := Document(form, &input)
		if !json.Valid(document) || !utf8.Valid(document) || len(document) > 1000+12*len(text) {
			t.Fatalf("%s", document)
		}
	})
}

// FuzzText checks that text survives being written as XML, but for what XML cannot hold.
func FuzzText(f *testing.F) {
	f.Add("a<b>&\"\r\n\t\x01é\ufffe")
	f.Fuzz(func(t *testing.T, text string) {
		d := xml.NewDecoder(strings.NewReader(string(AppendString(nil, "x", text))))
		var got strings.Builder
		for {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if data, ok := token.(xml.CharData); ok {
				got.Write(data)
			}
		}
		want := strings.Map(func(c rune) rune {
			if c < 0x20 && c != '\n' && c != '\t' && c != '\r' || c == 0xfffe || c == 0xffff {
				return 0xfffd
			}
			return c
		}, text)
		if got.String() != want {
			t.Fatalf("%q became %q", text, got.String())
		}
	})
}
