package identity

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/store/disk/disktest"
	"github.com/millrace/millrace/store/storetest"
)

// TestDoubts: who may do what is what the store has, whatever became of a change that failed.
func TestDoubts(t *testing.T) {
	ann := Name{"123456789012", User, "ann"}
	for _, table := range []string{tableEntities, tableKeys} {
		for _, fate := range storetest.Fates {
			t.Run(table+" "+fate.String(), func(t *testing.T) {
				engine := disktest.Memory(t)
				d := &storetest.Doubtful{Store: engine}
				open := func() *Service {
					s, err := New(t.Context(), Config{Store: d, Clock: clockwork.NewFakeClock()})
					if err != nil {
						t.Fatal(err)
					}
					return s
				}
				s := open()
				if _, err := s.Create(t.Context(), Entity{Name: ann}); err != nil {
					t.Fatal(err)
				}
				key, err := s.CreateKey(t.Context(), ann)
				if err != nil {
					t.Fatal(err)
				}
				d.Doubt(table, fate)
				if table == tableKeys {
					err = s.DeleteKey(t.Context(), ann, key.ID)
				} else {
					err = s.Tag(t.Context(), ann, []Tag{{"a", "b"}})
				}
				if !errors.Is(err, storetest.ErrDoubt) {
					t.Fatalf("not in doubt: %v", err)
				}
				show := func(s *Service) string {
					e, err := s.Get(ann)
					if err != nil {
						t.Fatal(err)
					}
					var ids []string
					for _, k := range s.Keys(ann) {
						ids = append(ids, k.ID)
					}
					slices.Sort(ids)
					return fmt.Sprint(e.Tags, ids)
				}
				if before, after := show(s), show(open()); before != after {
					t.Errorf("memory has %s, and the store %s", before, after)
				}
			})
		}
	}
}
