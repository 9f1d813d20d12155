package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/store"
)

// chained is a draft that begins the next append to its log when it is filled.
type chained struct {
	text string
	next func()
}

func (c chained) Size() int { return len(c.text) }

func (c chained) Fill() ([]byte, error) {
	if c.next != nil {
		c.next()
	}
	return []byte(c.text), nil
}

// testDraftsOverlap appends to one log, each block from the moment on when the one before was filled: blocks have the order
// of their fillings, small ones and large ones together, and the ordinals that were answered.
func testDraftsOverlap(t *testing.T, e *engine) {
	const count = 60
	log := store.LogID{Stream: 1}
	ordinals, errs := make([]uint64, count), make(chan error, count)
	var start func(i int)
	texts := make([]string, count)
	start = func(i int) {
		texts[i] = fmt.Sprint(i, " ", strings.Repeat("x", (i%3)*50_000))
		c := chained{text: texts[i]}
		if i+1 < count {
			c.next = func() { start(i + 1) }
		}
		go func() {
			var err error
			ordinals[i], err = e.Store.Append(t.Context(), log, c)
			errs <- err
		}()
	}
	start(0)
	for range count {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	for round := 0; round < 2; round++ {
		found, data := e.blocks(t, log, 0)
		wantEqual(t, "ordinals", found, ordinals)
		wantEqual(t, "blocks", data, texts)
		if !e.reopen(t) {
			break
		}
	}
}

type failing struct{ size int }

var errDraft = errors.New("changed its mind")

func (f failing) Size() int             { return f.size }
func (f failing) Fill() ([]byte, error) { return nil, errDraft }

type grown struct{ store.Data }

func (grown) Size() int { return 1 }

// testDraftsThatFail: what a draft refuses, and what is too large when it comes to it, is not appended, and the log goes on.
func testDraftsThatFail(t *testing.T, e *engine) {
	log := store.LogID{Stream: 1}
	e.append(t, log, "before")
	for _, size := range []int{0, 100, 1 << 20} {
		_, err := e.Store.Append(t.Context(), log, failing{size})
		wantError(t, "append", err, errDraft)
	}
	_, err := e.Store.Append(t.Context(), log, grown{make(store.Data, store.MaxBlock+1)})
	wantError(t, "append", err, store.ErrTooLarge)
	e.append(t, log, "after")
	e.reopen(t)
	_, data := e.blocks(t, log, 0)
	wantEqual(t, "blocks", data, []string{"before", "after"})
}
