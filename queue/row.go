package queue

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
)

// The room's tables.
const (
	tableQueues   = "queue"         // definitions, under account, region and name
	tableDropped  = "queue-dropped" // queues deleted whose rows may still be there, under the queue's number
	tableRoom     = "queue-room"    // what the room keeps about itself: its epoch and its key
	tableHeaders  = "queue-message" // a header a message, under queue, due time, message
	tableBodies   = "queue-body"    // a body a message, under queue, message
	tableReceives = "queue-receive" // what receives did to a message, under queue, message
	tableDedup    = "queue-dedup"   // what a FIFO queue knows sends again by, under queue, period, hash
	tableTasks    = "queue-task"    // moves of a dead-letter queue's messages, under queue, number
)

// rowVersion leads every row. A later form gets the next number, and readers then know both. The second form of headers
// and bodies has what came with FIFO queues and dead-letter queues; it is written only where there is something to say.
const (
	rowVersion  = 1
	rowVersion2 = 2
)

// errRow says that a row is shorter or longer than its form.
var errRow = errors.New("malformed row")

// position names a message's header: the moment from which the message may first be received, in milliseconds of Unix
// time, and its number. Headers sort by it. In a FIFO queue, whose delay is the queue's and may change, due is 0 and the
// number alone counts.
type position struct {
	due    int64
	number uint64
}

// before reports whether p sorts before o.
func (p position) before(o position) bool {
	return p.due < o.due || p.due == o.due && p.number < o.number
}

// lastPosition sorts after every message.
var lastPosition = position{due: 1<<63 - 1, number: 1<<64 - 1}

func appendNumber(b []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(b, n) }

// queuePrefix begins the keys of all of a queue's rows.
func queuePrefix(queue uint64) string { return string(appendNumber(nil, queue)) }

func headerKey(queue uint64, p position) string {
	b := make([]byte, 0, 24)
	return string(appendNumber(appendNumber(appendNumber(b, queue), uint64(p.due)), p.number))
}

func messageKey(queue, number uint64) string {
	b := make([]byte, 0, 16)
	return string(appendNumber(appendNumber(b, queue), number))
}

// parseHeaderKey reads back what headerKey wrote.
func parseHeaderKey(key string) (position, error) {
	if len(key) != 24 {
		return position{}, fmt.Errorf("header key of %d bytes: %w", len(key), errRow)
	}
	return position{
		due:    int64(binary.BigEndian.Uint64([]byte(key[8:16]))),
		number: binary.BigEndian.Uint64([]byte(key[16:24])),
	}, nil
}

// parseMessageKey returns the message number of a body's or receive's key.
func parseMessageKey(key string) (uint64, error) {
	if len(key) != 16 {
		return 0, fmt.Errorf("message key of %d bytes: %w", len(key), errRow)
	}
	return binary.BigEndian.Uint64([]byte(key[8:])), nil
}

// encodeHeader writes a header: when the message was sent, in milliseconds of Unix time, and the message group, if that
// matters to the order.
func encodeHeader(sent int64, group string) []byte {
	if group == "" {
		return appendNumber([]byte{rowVersion}, uint64(sent))
	}
	return append(appendNumber([]byte{rowVersion2}, uint64(sent)), group...)
}

func decodeHeader(b []byte) (sent int64, group string, err error) {
	if len(b) < 9 || b[0] == rowVersion && len(b) > 9 || b[0] != rowVersion && b[0] != rowVersion2 {
		return 0, "", fmt.Errorf("header: %w", errRow)
	}
	return int64(binary.BigEndian.Uint64(b[1:])), string(b[9:]), nil
}

// receives is what the receives of a message came to. Times are in milliseconds of Unix time.
type receives struct {
	deadline int64  // hidden until then
	last     int64  // the latest receive
	first    int64  // the first receive, 0 when there was none
	count    uint32 // how many
}

func (r receives) encode() []byte {
	b := make([]byte, 0, 29)
	b = append(b, rowVersion)
	b = appendNumber(b, uint64(r.deadline))
	b = appendNumber(b, uint64(r.last))
	b = appendNumber(b, uint64(r.first))
	return binary.BigEndian.AppendUint32(b, r.count)
}

func decodeReceives(b []byte) (receives, error) {
	if len(b) != 29 || b[0] != rowVersion {
		return receives{}, fmt.Errorf("receive: %w", errRow)
	}
	return receives{
		deadline: int64(binary.BigEndian.Uint64(b[1:])),
		last:     int64(binary.BigEndian.Uint64(b[9:])),
		first:    int64(binary.BigEndian.Uint64(b[17:])),
		count:    binary.BigEndian.Uint32(b[25:]),
	}, nil
}

// content is a message as its body row holds it.
type content struct {
	id         [16]byte
	digest     [16]byte // MD5 of the body
	sender     string
	trace      string
	attributes map[string]Attribute
	body       string
	origin
}

// origin is the part of a content that most messages do not have.
type origin struct {
	group, dedup string // message group and deduplication id
	source       string // ARN of the queue that gave the message up
	count        uint32 // receives there
	first        int64  // the first of them, in milliseconds of Unix time
}

// encode writes: version, id, digest, sender, trace, number of attributes, each with name, type and value, in the second
// form the origin, and the body as the rest. Texts have their length before them.
func (c *content) encode() []byte {
	size := 128 + len(c.body) + len(c.sender) + len(c.trace) + len(c.group) + len(c.dedup) + len(c.source)
	for name, a := range c.attributes {
		size += 16 + len(name) + len(a.Type) + len(a.Text) + len(a.Binary)
	}
	b := make([]byte, 0, size)
	b = append(b, rowVersion)
	if c.origin != (origin{}) {
		b[0] = rowVersion2
	}
	b = append(b, c.id[:]...)
	b = append(b, c.digest[:]...)
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	text(c.sender)
	text(c.trace)
	b = binary.AppendUvarint(b, uint64(len(c.attributes)))
	for name, a := range c.attributes {
		text(name)
		text(a.Type)
		if a.IsBinary() {
			text(string(a.Binary))
		} else {
			text(a.Text)
		}
	}
	if b[0] == rowVersion2 {
		text(c.group)
		text(c.dedup)
		text(c.source)
		b = binary.AppendUvarint(b, uint64(c.count))
		b = binary.AppendUvarint(b, uint64(c.first))
	}
	return append(b, c.body...)
}

// decodeContent reads what encode wrote. The result shares nothing with b.
func decodeContent(b []byte) (*content, error) {
	if len(b) < 33 || b[0] != rowVersion && b[0] != rowVersion2 {
		return nil, fmt.Errorf("body: %w", errRow)
	}
	c, r := new(content), rowReader{rest: b[33:]}
	copy(c.id[:], b[1:17])
	copy(c.digest[:], b[17:33])
	c.sender, c.trace = r.text(), r.text()
	count := r.number()
	if count > maxAttributes {
		r.failed = true
	}
	for ; !r.failed && count > 0; count-- {
		name, a := r.text(), Attribute{Type: r.text()}
		if a.IsBinary() {
			a.Binary = []byte(r.text())
		} else {
			a.Text = r.text()
		}
		if c.attributes == nil {
			c.attributes = make(map[string]Attribute, count)
		}
		c.attributes[name] = a
	}
	if b[0] == rowVersion2 {
		c.origin = origin{group: r.text(), dedup: r.text(), source: r.text(), count: uint32(r.number()), first: int64(r.number())}
	}
	if r.failed {
		return nil, fmt.Errorf("body: %w", errRow)
	}
	c.body = string(r.rest)
	return c, nil
}

// rowReader reads numbers and texts. Once something was not there it yields zero values.
type rowReader struct {
	rest   []byte
	failed bool
}

func (r *rowReader) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || r.failed {
		r.failed = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *rowReader) text() string {
	n := r.number()
	if r.failed || n > uint64(len(r.rest)) {
		r.failed = true
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

// corrupt names the message whose row cannot be read.
func corrupt(table string, queue, number uint64, err error) error {
	return fmt.Errorf("read %s of message %d in queue %d: %w: %w", table, number, queue, store.ErrCorrupt, err)
}

func hexDigest(d [16]byte) string { return hex.EncodeToString(d[:]) }
