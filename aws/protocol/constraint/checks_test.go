package constraint

import (
	"strings"
	"testing"
)

var (
	name    = Text{Length: Length{1, 5}, Pattern: NewPattern(`[a-z]+`)}
	secret  = Text{Length: Length{1, 5}, Sensitive: true}
	color   = Text{Length: Length{-1, -1}, Enum: []string{"RED", "BLUE"}}
	tagKey  = Text{Length: Length{1, 8}}
	tagText = Text{Length: Length{0, 4}}
)

// Each row is one form of finding; the texts are AWS's.
func TestForms(t *testing.T) {
	long := strings.Repeat("a", 6)
	for _, row := range []struct {
		why   string
		check func(*Checks)
		want  string
	}{
		{"nothing wrong", func(c *Checks) { name.Check(c, "name", "abc") }, ""},
		{
			"null is bare", func(c *Checks) { c.Null("tags") },
			"1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not be null",
		},
		{
			"pattern, then length", func(c *Checks) { name.Check(c, "streamName", "") },
			"2 validation errors detected: Value '' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+; " +
				"Value '' at 'streamName' failed to satisfy constraint: Member must have length greater than or equal to 1",
		},
		{
			"too long", func(c *Checks) { name.Check(c, "n", long) },
			"1 validation error detected: Value 'aaaaaa' at 'n' failed to satisfy constraint: Member must have length less than or equal to 5",
		},
		{
			"patterns match the whole value", func(c *Checks) { name.Check(c, "n", "a\n") },
			"1 validation error detected: Value 'a\n' at 'n' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+",
		},
		{"length in UTF-16 units: within", func(c *Checks) { secret.Check(c, "n", "€€€€€") }, ""},
		{
			"length in UTF-16 units: over, and the value left out", func(c *Checks) { secret.Check(c, "key", "😀😀😀") },
			"1 validation error detected: Value at 'key' failed to satisfy constraint: Member must have length less than or equal to 5",
		},
		{
			"enum", func(c *Checks) { color.Check(c, "color", "red") },
			"1 validation error detected: Value 'red' at 'color' failed to satisfy constraint: Member must satisfy enum value set: [RED, BLUE]",
		},
		{
			"integer, low", func(c *Checks) { (&Integer{Low: 1, High: 10}).Check(c, "limit", 0) },
			"1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
		},
		{
			"integer, high", func(c *Checks) { (&Integer{Low: 1, High: 10}).Check(c, "limit", 11) },
			"1 validation error detected: Value '11' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10",
		},
		{
			"double", func(c *Checks) {
				(&Double{Low: 2, High: 8}).Check(c, "x", 8.5)
				(&Double{Low: 2, High: 8}).Check(c, "y", 1)
			},
			"2 validation errors detected: Value '8.5' at 'x' failed to satisfy constraint: Member must have value less than or equal to 8.0; " +
				"Value '1.0' at 'y' failed to satisfy constraint: Member must have value greater than or equal to 2.0",
		},
		{
			"blob", func(c *Checks) { (&Blob{Length: Length{0, 2}}).Check(c, "data", []byte("abc")) },
			"1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]' at 'data' failed to satisfy constraint: Member must have length less than or equal to 2",
		},
		{
			"sensitive blob", func(c *Checks) { (&Blob{Length: Length{0, 2}, Sensitive: true}).Check(c, "data", []byte("abc")) },
			"1 validation error detected: Value at 'data' failed to satisfy constraint: Member must have length less than or equal to 2",
		},
		{
			"members of a list, after its length", func(c *Checks) {
				(&Texts{Length: Length{1, 2}, Member: &tagKey}).Check(c, "tagKeys", []string{"a", "", "c"})
			},
			"2 validation errors detected: Value '[a, , c]' at 'tagKeys' failed to satisfy constraint: Member must have length less than or equal to 2; " +
				"Value '[a, , c]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: " +
				"[Member must have length less than or equal to 8, Member must have length greater than or equal to 1]",
		},
		{
			"members of a list, of an enum, not null", func(c *Checks) {
				(&Texts{Length: Length{-1, -1}, Member: &color, NotNull: true}).Check(c, "colors", []string{"PINK"})
			},
			"1 validation error detected: Value '[PINK]' at 'colors' failed to satisfy constraint: Member must satisfy constraint: " +
				"[Member must satisfy enum value set: [RED, BLUE], Member must not be null]",
		},
		{
			"members of a list, with a pattern", func(c *Checks) {
				(&Texts{Length: Length{-1, -1}, Member: &name}).Check(c, "names", []string{"ok", "No"})
			},
			"1 validation error detected: Value '[ok, No]' at 'names' failed to satisfy constraint: Member must satisfy constraint: " +
				"[Member must have length less than or equal to 5, Member must have length greater than or equal to 1, " +
				"Member must satisfy regular expression pattern: [a-z]+]",
		},
		{
			"keys and values of a map, in its order", func(c *Checks) {
				(&TextMap{Length: Length{1, 1}, Key: &tagKey, Value: &tagText}).Check(c, "tags", map[string]string{"b": "12345", "": "x"})
			},
			"3 validation errors detected: Value '{=x, b=12345}' at 'tags' failed to satisfy constraint: Member must have length less than or equal to 1; " +
				"Value '{=x, b=12345}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: " +
				"[Member must have length less than or equal to 8, Member must have length greater than or equal to 1]; " +
				"Value '{=x, b=12345}' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: " +
				"[Member must have length less than or equal to 4, Member must have length greater than or equal to 0]",
		},
		{
			"lists in a map", func(c *Checks) {
				(&TextListMap{Length: Length{-1, -1}, Value: &Texts{Length: Length{1, 2}}}).Check(c, "endpoints", map[string][]string{"K": {}})
			},
			"1 validation error detected: Value '{K=[]}' at 'endpoints' failed to satisfy constraint: Map value must satisfy constraint: " +
				"[Member must have length less than or equal to 2, Member must have length greater than or equal to 1]",
		},
		{
			"structures have a class and an identity", func(c *Checks) {
				(&Count{Length: Length{1, 1}, Class: "com.amazonaws.kinesis.v20131202.PutRecordsRequestEntry"}).Check(c, "records", 2)
			},
			"1 validation error detected: Value '[com.amazonaws.kinesis.v20131202.PutRecordsRequestEntry@c965e310, " +
				"com.amazonaws.kinesis.v20131202.PutRecordsRequestEntry@679d5cc1]' at 'records' failed to satisfy constraint: Member must have length less than or equal to 1",
		},
		{
			"paths", func(c *Checks) {
				c.EnterElement("records", 0)
				c.Null("partitionKey")
				c.Enter("details")
				c.Null("mode")
				c.Leave()
				c.Leave()
				c.EnterValue("map", "k")
				c.Null("x")
				c.Leave()
				c.Null("y")
			},
			"4 validation errors detected: Value null at 'records.1.member.partitionKey' failed to satisfy constraint: Member must not be null; " +
				"Value null at 'records.1.member.details.mode' failed to satisfy constraint: Member must not be null; " +
				"Value null at 'map.k.member.x' failed to satisfy constraint: Member must not be null; " +
				"Value null at 'y' failed to satisfy constraint: Member must not be null",
		},
	} {
		var c Checks
		row.check(&c)
		if got := c.Message(); got != row.want {
			t.Errorf("%s\n got %s\nwant %s", row.why, got, row.want)
		}
	}
}

func TestAtMostTen(t *testing.T) {
	var c Checks
	for range 20 {
		c.Null("x")
	}
	if !c.Full() || len(c.Findings()) != 10 || !strings.HasPrefix(c.Message(), "10 validation errors detected: ") {
		t.Error(c.Message())
	}
}

// A rule that finds nothing wrong costs no memory: it is asked for every record.
func TestJudgingIsFree(t *testing.T) {
	var c Checks
	data := make([]byte, 100)
	blob := Blob{Length: Length{0, 100}}
	if n := testing.AllocsPerRun(100, func() {
		name.Check(&c, "name", "abc")
		color.Check(&c, "color", "RED")
		blob.Check(&c, "data", data)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDoubleMap(t *testing.T) {
	weights := DoubleMap{
		Length: Length{-1, -1}, NotNull: true, Value: &Double{Low: 0, High: 1},
		Key: &Text{Length: Length{1, 1024}, Pattern: NewPattern("[0-9]+")},
	}
	const (
		values = " at 'w' failed to satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"
		keys   = " at 'w' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]"
	)
	for _, row := range []struct {
		m    map[string]float64
		want string
	}{
		{map[string]float64{}, ""},
		{map[string]float64{"1": 0, "2": 1}, ""},
		{map[string]float64{"2": 2}, "1 validation error detected: Value '{2=2.0}'" + values},
		{map[string]float64{"2": -1}, "1 validation error detected: Value '{2=-1.0}'" + values},
		{map[string]float64{"$LATEST": 0.5}, "1 validation error detected: Value '{$LATEST=0.5}'" + keys},
	} {
		var c Checks
		weights.Check(&c, "w", row.m)
		if got := c.Message(); got != row.want {
			t.Errorf("%v: %s", row.m, got)
		}
	}
}

func TestWrittenPatterns(t *testing.T) {
	bucket, collection := NewPattern(`[0-9A-Za-z\.\-_]*(?<!\.)`), NewPattern(`(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)`)
	alias := NewPattern(`(?!^[0-9]+$)([a-zA-Z0-9-_]+)`)
	for _, row := range []struct {
		pattern *Pattern
		value   string
		want    bool
	}{
		{bucket, "", true},
		{bucket, "my-bucket.v2_X", true},
		{bucket, "bucket.", false},
		{bucket, "buck et", false},
		{bucket, "bücket", false},
		{collection, "orders", true},
		{collection, "_x", true},
		{collection, "9x.y\n", true},
		{collection, "systems", true},
		{collection, "system.users", false},
		{collection, "", false},
		{collection, "-x", false},
		{collection, "a$b", false},
		{collection, "éa", false},
		{alias, "live", true},
		{alias, "2024-01-02", true},
		{alias, "_", true},
		{alias, "2024", false},
		{alias, "", false},
		{alias, "a.b", false},
		{alias, "a@", false},
		{alias, "é", false},
	} {
		if got := row.pattern.Match(row.value); got != row.want {
			t.Errorf("%s on %q: %t", row.pattern.source, row.value, got)
		}
	}
	for source := range written {
		if _, err := Compile(source); err == nil {
			t.Errorf("%s compiles and needs no predicate", source)
		}
	}
	if Supported(`(?=x)y`) || !Supported(`x|y`) {
		t.Error("Supported")
	}
	if broken := NewPattern(`(?=x)y`); broken.Match("y") {
		t.Error("a pattern that cannot be judged matched")
	}
	if either := NewPattern(`a|bc`); either.Match("ac") || !either.Match("bc") {
		t.Error("an alternative matched in part")
	}
}
