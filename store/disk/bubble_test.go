package disk

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/millrace/millrace/store"
)

func TestMemoryStoreLivesInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(Options{Memory: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Append(context.Background(), store.LogID{Stream: 1}, store.Data("x")); err != nil {
			t.Fatal(err)
		}
		if err := s.Trim(context.Background(), store.LogID{Stream: 1}, 9); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
