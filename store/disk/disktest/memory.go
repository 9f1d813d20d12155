package disktest

import (
	"testing"

	"github.com/millrace/millrace/store/disk"
)

// Memory opens a store in memory, which is closed when the test is over.
func Memory(t testing.TB) *disk.Store {
	t.Helper()
	s, err := disk.Open(disk.Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
