package disk_test

import (
	"path"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/storetest"
)

func TestTmpWAL(t *testing.T) {
	mem := vfs.NewCrashableMem()
	w := storetest.NewWorkload(1, 3)
	s := mustOpen(t, crashOptions(mem))
	if err := w.Run(t.Context(), s, 100); err != nil {
		t.Fatal(err)
	}
	crashed := mem.CrashClone(vfs.CrashCloneCfg{})
	s.Close()
	rng := rng(3)
	for _, name := range files(t, crashed, crashDir) {
		if path.Ext(name) != ".log" && path.Base(name)[:4] != "MANI" {
			continue
		}
		size := len(readFile(t, crashed, name))
		t.Log(name, size)
		if size == 0 {
			continue
		}
		var outs []int
		res := map[string]int{}
		for i := 0; i < 60; i++ {
			at := rng.IntN(size)
			clone := crashed.CrashClone(vfs.CrashCloneCfg{})
			d := readFile(t, clone, name)
			d[at] ^= 1 << rng.IntN(8)
			writeFile(t, clone, name, d)
			s, err := disk.Open(crashOptions(clone))
			if err != nil {
				res["noopen"]++
				continue
			}
			var ft fakeT
			ft.TB = t
			fail := w.CheckDamaged(&ft, s, w.Record())
			if ft.n > 0 {
				res["LOST"]++
				outs = append(outs, at)
			} else if len(fail) > 0 {
				res["found"]++
			} else {
				res["noeffect"]++
			}
			s.Close()
		}
		t.Log(res, outs)
	}
}

type fakeT struct {
	testing.TB
	n int
}

func (f *fakeT) Error(a ...any)            { f.n++ }
func (f *fakeT) Errorf(s string, a ...any) { f.n++ }
