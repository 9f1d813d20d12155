package disk_test

import (
	"math/rand/v2"
	"testing"

	"github.com/millrace/millrace/store/disk"
)

func mustOpen(t testing.TB, o disk.Options) *disk.Store {
	t.Helper()
	s, err := disk.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rng(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
