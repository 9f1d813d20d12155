package protocol

import (
	"errors"
	"io"
	"math/bits"
	"net/http"
	"sync"
	"time"
	"unsafe"
)

var (
	errTooLarge = errors.New("body is too large")
	errBusy     = errors.New("no memory for the body")
)

// body is the body of a request in memory.
type body struct {
	bytes  []byte
	keep   bool // bytes have been handed on and must not be used for another request
	taken  int64
	budget *budget
}

const (
	// firstRead is how much is read at first of a body whose length is not known.
	firstRead = 16 << 10
	// firstBelieved is how much is read at first of a long body whose length is known: the rest gets its memory when that much has come.
	firstBelieved = 64 << 10
)

// readBody reads the body, which may have at most limit bytes. It fails with errTooLarge, errBusy, or the error of
// the connection. A length that the client announces is believed only as far as the budget goes, from which it is taken before
// memory is, and only of a client that has begun to send: those who promise a lot and send little hold little.
func (h *handler) readBody(w http.ResponseWriter, r *http.Request, b *body, limit int64) error {
	if r.ContentLength > limit {
		return errTooLarge
	}
	if r.ContentLength == 0 || r.Body == nil {
		return nil
	}
	// A server that cannot set deadlines (a recorder in a test) reads without.
	control := http.NewResponseController(w)
	if control.SetReadDeadline(time.Now().Add(h.BodyTimeout)) == nil {
		defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	}
	want := r.ContentLength
	if want < 0 {
		want = min(firstRead, limit)
	} else {
		want = min(want, firstBelieved)
	}
	for {
		if err := h.extend(r, b, want); err != nil {
			return err
		}
		n, err := io.ReadFull(r.Body, b.bytes[len(b.bytes):want])
		b.bytes = b.bytes[:len(b.bytes)+n]
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			if r.ContentLength > 0 {
				return io.ErrUnexpectedEOF
			}
			return nil
		case err != nil:
			return err
		case want == r.ContentLength:
			return nil
		case r.ContentLength > 0:
			want = r.ContentLength
		case want == limit:
			return b.atEnd(r)
		default:
			want = min(want*2, limit)
		}
	}
}

// atEnd checks that nothing follows a body that is as long as it may be.
func (b *body) atEnd(r *http.Request) error {
	var one [1]byte
	switch n, err := io.ReadFull(r.Body, one[:]); {
	case n > 0:
		return errTooLarge
	case err == io.EOF:
		return nil
	default:
		return err
	}
}

// extend gives the body room for n bytes in all.
func (h *handler) extend(r *http.Request, b *body, n int64) error {
	// One that is larger than the whole budget has it for itself, what it holds already included.
	taken, ok := h.budget.take(r.Context(), min(lentFor(n), h.budget.size)-b.taken, h.BodyWait)
	if !ok {
		return errBusy
	}
	b.taken += taken
	grown := borrow(int(n))
	copy(grown[:len(b.bytes)], b.bytes)
	giveBack(b.bytes)
	b.bytes = grown[:len(b.bytes)]
	return nil
}

// decoded ends the use of the bytes, of which an input has copies of its own. What these take, about the bytes' number, stays
// taken until the request is answered.
func (b *body) decoded() {
	if b.keep || b.bytes == nil {
		return
	}
	if rest := b.taken - int64(len(b.bytes)); rest > 0 {
		b.taken -= rest
		b.budget.give(rest)
	}
	giveBack(b.bytes)
	b.bytes = nil
}

// release ends the use of the body.
func (b *body) release() {
	if !b.keep {
		giveBack(b.bytes)
	}
	b.bytes = nil
	b.budget.give(b.taken)
	b.taken = 0
}

// Buffers are lent out by size, in powers of two. Larger ones than the largest class, in which the largest answers of
// GetRecords have their place, are made for the occasion.
const (
	smallestClass = 12 // 4 KiB
	largestClass  = 24 // 16 MiB
)

// lent keeps the buffers of each class as pointers to their first bytes: a slice would need memory of its own to be kept.
var lent [largestClass - smallestClass + 1]sync.Pool

// classFor returns the class of the buffers that have room for n bytes.
func classFor(n int) int { return max(bits.Len(uint(max(n, 1)-1)), smallestClass) }

// lentFor returns the size of what borrow lends for n bytes.
func lentFor(n int64) int64 {
	if class := classFor(int(n)); class <= largestClass {
		return 1 << class
	}
	return n
}

// borrow returns a buffer of length 0 with room for at least n bytes.
func borrow(n int) []byte {
	class := classFor(n)
	if class > largestClass {
		return make([]byte, 0, n)
	}
	if first, ok := lent[class-smallestClass].Get().(*byte); ok {
		return unsafe.Slice(first, 1<<class)[:0]
	}
	return make([]byte, 0, 1<<class)
}

// giveBack ends the use of a buffer, which need not have been borrowed.
func giveBack(b []byte) {
	class := bits.Len(uint(cap(b))) - 1
	if class < smallestClass || class > largestClass {
		return
	}
	lent[class-smallestClass].Put(unsafe.SliceData(b))
}
