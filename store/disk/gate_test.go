package disk_test

import (
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk/faultfs"
)

// grown is a draft that holds more when it is filled than when its size was asked.
type grown struct{ asked, filled int }

func (g grown) Size() int { return g.asked }

func (g grown) Fill() ([]byte, error) { return make([]byte, g.filled), nil }

// TestWhatDraftsGrowToIsUnderWay holds the disk while a draft is on its way that has grown: it counts with what it holds.
func TestWhatDraftsGrowToIsUnderWay(t *testing.T) {
	const filled = 1 << 20
	for name, asked := range map[string]int{"small": 1, "large": 100 << 10} {
		t.Run(name, func(t *testing.T) {
			fs := faultfs.New(vfs.NewCrashableMem())
			s := mustOpen(t, crashOptions(fs))
			hang, hung := make(chan struct{}), make(chan struct{})
			var once sync.Once
			fs.Watch(func(op faultfs.Op) {
				if op.Kind == faultfs.Sync {
					once.Do(func() { close(hung) })
					<-hang
				}
			})
			done := make(chan error)
			go func() {
				_, err := s.Append(t.Context(), store.LogID{Stream: 1}, grown{asked, filled})
				done <- err
			}()
			<-hung
			if n := s.UnderWay(); n < filled || n > filled+1024 {
				t.Errorf("%d bytes are under way, expected about %d", n, filled)
			}
			close(hang)
			if err := <-done; err != nil {
				t.Error(err)
			}
			if n := s.UnderWay(); n != 0 {
				t.Errorf("%d bytes are under way when all is done", n)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
