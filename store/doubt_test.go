package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk/disktest"
)

// TestAdmit: one change at a time, and none while something is in doubt that cannot be settled.
func TestAdmit(t *testing.T) {
	engine := disktest.Memory(t)
	doubts := store.NewDoubts(engine)
	done, err := doubts.Admit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := doubts.Admit(ended); !errors.Is(err, context.Canceled) {
		t.Fatalf("admitted beside another one: %v", err)
	}
	done()

	trouble, unknown := errors.New("trouble"), true
	doubts.Add("something", func(context.Context) error {
		if unknown {
			return trouble
		}
		return nil
	})
	if _, err := doubts.Admit(t.Context()); !errors.Is(err, trouble) {
		t.Fatalf("admitted in doubt: %v", err)
	}
	unknown = false
	if done, err = doubts.Admit(t.Context()); err != nil {
		t.Fatal(err)
	}
	done()
}
