package mapping

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/base64"
	"github.com/millrace/millrace/stream"
)

// maxEvent is the largest event, in bytes of its JSON, that a function can be given.
const maxEvent = 6_291_456

const (
	eventHead = `{"Records":[`
	eventTail = `]}`

	recordHead      = `{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"`
	recordSequence  = `","sequenceNumber":"`
	recordData      = `","data":"`
	recordArrival   = `","approximateArrivalTimestamp":`
	recordEventID   = `},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"`
	recordRole      = `","eventName":"aws:kinesis:record","invokeIdentityArn":"`
	recordRegion    = `","awsRegion":"`
	recordSourceARN = `","eventSourceARN":"`
	recordTail      = `"}`

	windowStart  = `],"window":{"start":"`
	windowEnd    = `","end":"`
	windowState  = `"},"state":`
	windowShard  = `,"shardId":"`
	windowSource = `","eventSourceARN":"`
	windowFinal  = `","isFinalInvokeForWindow":`
	windowEarly  = `,"isWindowTerminatedEarly":`
)

// eventForm writes the events of one shard: the JSON that the function is handed, byte for byte as AWS writes it.
type eventForm struct {
	shard  stream.Shard
	id     string // the shard's, with the colon that follows it in an event id
	source string // the event source's ARN, as it stands in a string
	tail   string // all of a record after the role
	fixed  int    // bytes of a record that do not depend on it, without the role
}

func newEventForm(sourceARN, region string, shard stream.Shard) *eventForm {
	arn := string(appendString(nil, sourceARN))
	tail := string(appendString([]byte(recordRegion), region)) + recordSourceARN + arn + recordTail
	id := shard.ID() + ":"
	fixed := len(recordHead) + len(recordSequence) + len(recordData) + len(recordArrival) + len(recordEventID) +
		len(id) + len(recordRole) + len(tail)
	return &eventForm{shard: shard, id: id, source: arn, tail: tail, fixed: fixed}
}

// append writes the event of the records, read by a function that runs as role, and returns how many of them it holds:
// as many as fit into maxEvent, but always one, so that an event longer than that holds a single record. What follows
// the records is the tail.
func (f *eventForm) append(dst []byte, records []stream.Record, role string, tail []byte) ([]byte, int) {
	start := len(dst)
	dst = append(dst, eventHead...)
	n := 0
	for ; n < len(records); n++ {
		before := len(dst)
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = f.appendRecord(dst, &records[n], role)
		if n > 0 && len(dst)-start+len(tail) > maxEvent {
			dst = dst[:before]
			break
		}
	}
	return append(dst, tail...), n
}

// windowTail returns what follows the records in the event of a batch: the end of the document, and before it what is to
// be said of the window if there is one.
func (f *eventForm) windowTail(w *tumbling, final bool) []byte {
	if w == nil {
		return []byte(eventTail)
	}
	b := make([]byte, 0, f.tailSize(w)+len("true"))
	b = append(b, windowStart...)
	b = appendSecond(b, w.Start)
	b = append(b, windowEnd...)
	b = appendSecond(b, w.End)
	b = append(b, windowState...)
	b = append(b, w.State...)
	b = append(b, windowShard...)
	b = append(b, f.shard.ID()...)
	b = append(b, windowSource...)
	b = append(b, f.source...)
	b = append(b, windowFinal...)
	b = strconv.AppendBool(b, final)
	b = append(b, windowEarly...)
	b = strconv.AppendBool(b, final && w.overflows())
	return append(b, '}')
}

// tailSize returns how many bytes follow the records in an event that is not the final one of its window.
func (f *eventForm) tailSize(w *tumbling) int {
	if w == nil {
		return len(eventTail)
	}
	const fixed = len(windowStart) + len(windowEnd) + len(windowState) + len(windowShard) + len(windowSource) + len(windowFinal) +
		len(windowEarly) + 2*len(secondForm) + 2*len("false") + len("}")
	return fixed + len(w.State) + len(f.shard.ID()) + len(f.source)
}

const secondForm = "2006-01-02T15:04:05Z"

// appendSecond writes seconds since 1970 as a time in UTC.
func appendSecond(dst []byte, seconds int64) []byte {
	return time.Unix(seconds, 0).UTC().AppendFormat(dst, secondForm)
}

func (f *eventForm) appendRecord(dst []byte, r *stream.Record, role string) []byte {
	var scratch [64]byte
	number := f.shard.SequenceNumber(r.Position, r.Arrival).AppendTo(scratch[:0])
	dst = append(dst, recordHead...)
	dst = appendString(dst, r.PartitionKey)
	dst = append(dst, recordSequence...)
	dst = append(dst, number...)
	dst = append(dst, recordData...)
	dst = base64.Append(dst, r.Data)
	dst = append(dst, recordArrival...)
	dst = appendSeconds(dst, r.Arrival)
	dst = append(dst, recordEventID...)
	dst = append(dst, f.id...)
	dst = append(dst, number...)
	dst = append(dst, recordRole...)
	dst = appendString(dst, role)
	return append(dst, f.tail...)
}

// size returns how many bytes the record takes in an event, without the comma between two.
func (f *eventForm) size(r *stream.Record, role string) int {
	var scratch [64]byte
	number := len(f.shard.SequenceNumber(r.Position, r.Arrival).AppendTo(scratch[:0]))
	seconds := len(appendSeconds(scratch[:0], r.Arrival))
	return f.fixed + stringSize(r.PartitionKey) + 2*number + base64.EncodedLen(len(r.Data)) + seconds +
		stringSize(role)
}

// appendSeconds writes a time as epoch seconds with up to three decimals, the last of them not zero.
func appendSeconds(dst []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	dst = strconv.AppendInt(dst, ms/1000, 10)
	rest := ms % 1000
	if rest <= 0 { // arrivals before 1970 do not happen
		return dst
	}
	dst = append(dst, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

const hexDigits = "0123456789ABCDEF"

// appendString writes the inside of a JSON string as AWS's encoder does: quotes, backslashes and control characters
// are escaped, everything else is itself. Bytes that are no UTF-8 become the replacement character.
func appendString(dst []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, width := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && width == 1 {
				dst = append(dst, s[start:i]...)
				dst = utf8.AppendRune(dst, utf8.RuneError)
				start = i + 1
			}
			i += width
			continue
		}
		if escapeSize(c) > 1 {
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, c)
			start = i + 1
		}
		i++
	}
	return append(dst, s[start:]...)
}

// stringSize returns how many bytes appendString would write.
func stringSize(s string) int {
	n := 0
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			n += escapeSize(c)
			i++
			continue
		}
		r, width := utf8.DecodeRuneInString(s[i:])
		n += utf8.RuneLen(r) // 3 for the replacement character, which is what is written then
		i += width
	}
	return n
}

// escapeSize returns the bytes of an ASCII character inside a JSON string.
func escapeSize(c byte) int {
	switch {
	case c == '"', c == '\\', c == '\b', c == '\t', c == '\n', c == '\f', c == '\r':
		return len(`\n`)
	case c < 0x20:
		return len(`\u0000`)
	}
	return 1
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\t':
		return append(dst, '\\', 't')
	case '\n':
		return append(dst, '\\', 'n')
	case '\f':
		return append(dst, '\\', 'f')
	case '\r':
		return append(dst, '\\', 'r')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}
