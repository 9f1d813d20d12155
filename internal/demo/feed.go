package demo

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
)

// earthquakes is one week of the USGS feed (31 January to 6 February 2018), one event a line.
//
//go:embed earthquakes.ndjson
var earthquakes []byte

// maxLine is the longest line that a feed may have, in bytes: what a record may hold.
const maxLine = 1 << 20

// event is one line of a feed with the partition key it is put under.
type event struct {
	key  string
	line []byte
}

// openFeed opens the named file, standard input for "-", or the built-in feed for "".
func openFeed(name string, stdin io.Reader) (io.ReadCloser, error) {
	switch name {
	case "":
		return io.NopCloser(bytes.NewReader(earthquakes)), nil
	case "-":
		return io.NopCloser(stdin), nil
	}
	return os.Open(name)
}

// readFeed yields the events of an NDJSON feed, blank lines left out. The key is the text of the field keyField; a line
// without it gets its own line number, so that such lines spread over the shards. It stops after yielding an error.
func readFeed(r io.Reader, keyField string) iter.Seq2[event, error] {
	return func(yield func(event, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, 0, 64<<10), maxLine)
		for n := 1; lines.Scan(); n++ {
			line := bytes.TrimSpace(lines.Bytes())
			if len(line) == 0 {
				continue
			}
			key, err := partitionKey(line, keyField, n)
			if err != nil {
				yield(event{}, fmt.Errorf("line %d: %w", n, err))
				return
			}
			if !yield(event{key, bytes.Clone(line)}, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(event{}, err)
		}
	}
}

func partitionKey(line []byte, field string, number int) (string, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(line, &object); err != nil {
		return "", fmt.Errorf("not a JSON object: %w", err)
	}
	raw, ok := object[field]
	if !ok || string(raw) == "null" {
		return strconv.Itoa(number), nil
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	// A partition key has 1 to 256 characters.
	if runes := []rune(text); len(runes) > 256 {
		text = string(runes[:256])
	}
	if text == "" {
		return strconv.Itoa(number), nil
	}
	return text, nil
}
