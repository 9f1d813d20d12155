package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
)

const (
	// maxLineBytes bounds a line, as AWS bounds an event of its logs, which has its end and 26 bytes more; a longer line
	// continues on the next.
	maxLineBytes = 1<<20 - 27
	// keepLineBytes is the most memory that a waiting instance keeps for its next line.
	keepLineBytes = 16 << 10
	// maxDrainBytes bounds what drain reads: more than a pipe holds.
	maxDrainBytes = 2 << 20
)

// output reads what a process prints, on standard output and standard error alike, and cuts it into lines.
//
// Two may read: run, which waits for more, and drain, which takes what is there at the moment, so that what was printed
// before an answer is in the log before the answer is given. Whoever reads also cuts, under one mutex; nobody waits
// while holding it.
type output struct {
	pipe *os.File
	raw  syscall.RawConn
	line func([]byte)  // takes a line without its end
	done chan struct{} // closed when run has returned

	mu    sync.Mutex
	chunk [32 << 10]byte
	part  []byte // the beginning of a line whose end has not come
	ended bool
}

// newOutput returns an output, and what a process is to print to.
func newOutput(line func([]byte)) (*output, *os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("open pipe for a function: %w", err)
	}
	raw, err := read.SyscallConn()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open pipe for a function: %w", err), read.Close(), write.Close())
	}
	return &output{pipe: read, raw: raw, line: line, done: make(chan struct{})}, write, nil
}

// run reads until the last writer has gone or close is called.
func (o *output) run() {
	defer close(o.done)
	_ = o.raw.Read(func(fd uintptr) (finished bool) {
		for {
			n, ended := o.read(fd)
			if ended {
				return true
			}
			if n == 0 {
				return false // wait for more
			}
		}
	})
}

// drain reads what has been printed until now.
func (o *output) drain() {
	_ = o.raw.Control(func(fd uintptr) {
		for total := 0; total < maxDrainBytes; {
			n, ended := o.read(fd)
			if n == 0 || ended {
				return
			}
			total += n
		}
	})
}

// read takes one chunk, if there is one. The pipe does not block.
func (o *output) read(fd uintptr) (n int, ended bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.ended {
		n, err := syscall.Read(int(fd), o.chunk[:])
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return 0, false
		case err != nil || n <= 0:
			o.ended = true
			return 0, true
		}
		o.cut(o.chunk[:n])
		return n, false
	}
	return 0, true
}

// cut hands on the lines that have come to their end.
func (o *output) cut(p []byte) {
	for {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			break
		}
		if len(o.part) == 0 && end <= maxLineBytes {
			o.line(p[:end])
		} else {
			o.add(p[:end])
			o.flush()
			if cap(o.part) > keepLineBytes {
				o.part = nil
			}
		}
		p = p[end+1:]
	}
	o.add(p)
}

// add appends to the line, and hands it on whenever it is as long as a line may be.
func (o *output) add(p []byte) {
	for len(o.part)+len(p) > maxLineBytes {
		room := maxLineBytes - len(o.part)
		o.part = append(o.part, p[:room]...)
		p = p[room:]
		o.flush()
	}
	o.part = append(o.part, p...)
}

func (o *output) flush() {
	o.line(o.part)
	o.part = o.part[:0]
}

// flushPart hands on a line without end, when no more can follow or an answer must not wait for it.
func (o *output) flushPart() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.part) > 0 {
		o.flush()
	}
}

// close takes what is left and stops reading, also when processes that escaped hold the pipe open.
func (o *output) close() {
	o.drain()
	o.mu.Lock()
	o.ended = true
	o.mu.Unlock()
	_ = o.pipe.Close()
	<-o.done
	o.flushPart()
}
