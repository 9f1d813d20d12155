package dev

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// settingsName is the file in which a folder says what its function is.
const settingsName = "millrace.json"

// maxSettingsBytes bounds the file.
const maxSettingsBytes = 1 << 20

// settings are what the file says, under AWS's names. What it does not say is nil.
type settings struct {
	Runtime     *string
	Handler     *string
	Role        *string
	Timeout     *int32
	MemorySize  *int32
	Environment *environment
	// EventSourceMappings are nil when the file does not speak of them: then there is one, from a stream of the function's name.
	EventSourceMappings *[]mappingSettings
}

// environment are the variables of a function.
type environment struct{ Variables map[string]string }

// mappingSettings are one mapping from a stream. The stream is made when it is not there.
type mappingSettings struct {
	StreamName string
	ShardCount *int32 // of a stream that is made

	StartingPosition               *string // with its time, only of a mapping that is made
	StartingPositionTimestamp      *float64
	Enabled                        *bool
	BatchSize                      *int32
	MaximumBatchingWindowInSeconds *int32
	ParallelizationFactor          *int32
	MaximumRetryAttempts           *int32
	MaximumRecordAgeInSeconds      *int32
	BisectBatchOnFunctionError     *bool
	TumblingWindowInSeconds        *int32
	FunctionResponseTypes          []string
	FilterCriteria                 *filterCriteria
	DestinationConfig              *destinationConfig
}

type filterCriteria struct{ Filters []eventFilter }

type eventFilter struct {
	Pattern *string `json:",omitempty"`
}

type destinationConfig struct{ OnFailure *onFailure }

type onFailure struct {
	Destination *string `json:",omitempty"`
}

// readSettings reads the file's text. An error says in which line it is.
func readSettings(text []byte) (settings, error) {
	var s settings
	if len(text) > maxSettingsBytes {
		return s, fmt.Errorf("%s: it has more than %d bytes", settingsName, maxSettingsBytes)
	}
	err := json.Unmarshal(text, &s)
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return s, atLine(text, syntax.Offset, "%v", err)
	case errors.As(err, &wrong):
		return s, atLine(text, wrong.Offset, "%s: it is %s and should be %s", cmp.Or(wrong.Field, "all of it"), wrong.Value, expected(wrong.Type))
	case err != nil:
		return s, fmt.Errorf("%s: %w", settingsName, err)
	}
	names := &nameCheck{text: text, d: json.NewDecoder(bytes.NewReader(text))}
	if err := names.value(reflect.TypeFor[settings](), ""); err != nil {
		return s, err
	}
	if s.EventSourceMappings != nil {
		if err := checkStreams(*s.EventSourceMappings); err != nil {
			return s, fmt.Errorf("%s: %w", settingsName, err)
		}
	}
	return s, nil
}

func atLine(text []byte, offset int64, format string, a ...any) error {
	line := 1 + bytes.Count(text[:min(max(offset, 0), int64(len(text)))], []byte("\n"))
	return fmt.Errorf("%s:%d: %s", settingsName, line, fmt.Sprintf(format, a...))
}

func expected(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int32:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.String:
		return "a string"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

func checkStreams(list []mappingSettings) error {
	seen := make(map[string]bool)
	for i, m := range list {
		switch {
		case m.StreamName == "":
			return fmt.Errorf("EventSourceMappings[%d] has no StreamName", i)
		case seen[m.StreamName]:
			return fmt.Errorf("EventSourceMappings has the stream %s twice: a function has one mapping of a stream", m.StreamName)
		}
		seen[m.StreamName] = true
	}
	return nil
}

// nameCheck holds the names in a text that is known to be JSON of the right types against the fields: they are written
// exactly so, and once.
type nameCheck struct {
	text []byte
	d    *json.Decoder
}

// value reads one value of a type.
func (c *nameCheck) value(t reflect.Type, path string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	token, err := c.d.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return c.object(t, path)
	case json.Delim('['):
		for c.d.More() {
			if err := c.value(t.Elem(), path); err != nil {
				return err
			}
		}
		_, err = c.d.Token()
	}
	return err
}

func (c *nameCheck) object(t reflect.Type, path string) error {
	seen := make(map[string]bool)
	for c.d.More() {
		token, err := c.d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		at := c.d.InputOffset()
		if seen[name] {
			return atLine(c.text, at, "%s is there twice", path+name)
		}
		seen[name] = true
		inner := t
		if t.Kind() == reflect.Map {
			inner = t.Elem()
		} else if field, ok := t.FieldByName(name); ok {
			inner = field.Type
		} else {
			return atLine(c.text, at, "there is no setting %s%s", path+name, suggestion(t, name))
		}
		if err := c.value(inner, path+name+"."); err != nil {
			return err
		}
	}
	_, err := c.d.Token()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// suggestion names the settings that there are.
func suggestion(t reflect.Type, name string) string {
	var names []string
	for field := range t.Fields() {
		if strings.EqualFold(field.Name, name) {
			return ": it is written " + field.Name
		}
		names = append(names, field.Name)
	}
	return "; there are " + strings.Join(names, ", ")
}
