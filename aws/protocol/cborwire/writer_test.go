package cborwire

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/millrace/millrace/aws/protocol/wire"
)

func TestWriter(t *testing.T) {
	for _, row := range []struct {
		unit  Unit
		write func(w *Writer)
		want  string
	}{
		{0, func(w *Writer) { w.Long(0) }, "00"},
		{0, func(w *Writer) { w.Long(23) }, "17"},
		{0, func(w *Writer) { w.Long(24) }, "1818"},
		{0, func(w *Writer) { w.Long(256) }, "190100"},
		{0, func(w *Writer) { w.Long(65536) }, "1a00010000"},
		{0, func(w *Writer) { w.Long(math.MaxInt64) }, "1b7fffffffffffffff"},
		{0, func(w *Writer) { w.Long(math.MinInt64) }, "3b7fffffffffffffff"},
		{0, func(w *Writer) { w.Int(-1) }, "20"},
		{0, func(w *Writer) { w.Bool(true); w.Bool(false) }, "f5 f4"},
		{0, func(w *Writer) { w.Double(1.1) }, "fb3ff199999999999a"},
		{0, func(w *Writer) { w.String("é") }, "62c3a9"},
		{0, func(w *Writer) { w.String("a\xffb\xfe") }, "68 61efbfbd62efbfbd"},
		{0, func(w *Writer) { w.Blob(nil) }, "40"},
		{0, func(w *Writer) { w.Blob([]byte{0, 255}) }, "4200ff"},
		{Milliseconds, func(w *Writer) { w.Timestamp(time.UnixMilli(1459799937776)) }, "c1 1b00000153e2db52f0"},
		{Milliseconds, func(w *Writer) { w.Timestamp(time.UnixMilli(-1)) }, "c1 20"},
		{Seconds, func(w *Writer) { w.Timestamp(time.Unix(1363896240, 0)) }, "c1 1a514b67b0"},
		{Seconds, func(w *Writer) { w.Timestamp(time.UnixMilli(1363896240500)) }, "c1 fb41d452d9ec200000"},
		{0, func(w *Writer) { wire.WriteStrings(w, []string{"a", ""}) }, "82 6161 60"},
		{0, func(w *Writer) { wire.WriteMap(w, map[string]bool{"b": true, "a": false}, wire.Writer.Bool) }, "a2 6161 f4 6162 f5"},
		{0, func(w *Writer) { w.OpenStruct(); w.Name("n"); w.Int(1); w.CloseStruct() }, "bf 616e 01 ff"},
	} {
		w := NewWriter([]byte("before"), row.unit)
		row.write(w)
		if want := append([]byte("before"), raw(t, row.want)...); !bytes.Equal(w.Bytes(), want) {
			t.Errorf("got %x, want %x", w.Bytes(), want)
		}
	}
}
