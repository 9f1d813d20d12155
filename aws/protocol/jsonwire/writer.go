package jsonwire

import (
	"time"

	"github.com/millrace/millrace/aws/protocol/wire"
)

var (
	_ wire.Document = (*Reader)(nil)
	_ wire.Writer   = (*Writer)(nil)
)

// Writer writes one JSON document. The zero value is ready.
type Writer struct{ buf []byte }

// NewWriter makes a writer that appends to b.
func NewWriter(b []byte) *Writer { return &Writer{b} }

// Bytes returns what the writer was given, and what was written.
func (w *Writer) Bytes() []byte { return w.buf }

// OpenStruct begins an object.
func (w *Writer) OpenStruct() { w.buf = append(w.buf, '{') }

// Name writes the name of a member.
func (w *Writer) Name(name string) { w.buf = AppendName(w.buf, name) }

// CloseStruct ends an object.
func (w *Writer) CloseStruct() { w.buf = append(w.buf, '}') }

// OpenList begins a list.
func (w *Writer) OpenList(int) { w.buf = append(w.buf, '[') }

// Element comes before each element: only the first follows a bracket.
func (w *Writer) Element() {
	if w.buf[len(w.buf)-1] != '[' {
		w.buf = append(w.buf, ',')
	}
}

// CloseList ends a list.
func (w *Writer) CloseList() { w.buf = append(w.buf, ']') }

// OpenMap begins an object.
func (w *Writer) OpenMap(int) { w.OpenStruct() }

// Key writes a key, which may be any string.
func (w *Writer) Key(key string) {
	if w.buf[len(w.buf)-1] != '{' {
		w.buf = append(w.buf, ',')
	}
	w.buf = append(AppendString(w.buf, key), ':')
}

// CloseMap ends an object.
func (w *Writer) CloseMap() { w.CloseStruct() }

// String writes a string.
func (w *Writer) String(v string) { w.buf = AppendString(w.buf, v) }

// Int writes an integer.
func (w *Writer) Int(v int) { w.buf = AppendInt(w.buf, v) }

// Long writes an integer.
func (w *Writer) Long(v int64) { w.buf = AppendLong(w.buf, v) }

// Double writes a floating-point number.
func (w *Writer) Double(v float64) { w.buf = AppendDouble(w.buf, v) }

// Bool writes a boolean.
func (w *Writer) Bool(v bool) { w.buf = AppendBool(w.buf, v) }

// Timestamp writes seconds since the epoch.
func (w *Writer) Timestamp(v time.Time) { w.buf = AppendTimestamp(w.buf, v) }

// Blob writes base64.
func (w *Writer) Blob(v []byte) { w.buf = AppendBlob(w.buf, v) }
