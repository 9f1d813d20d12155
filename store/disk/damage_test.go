package disk_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/race"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
	"github.com/millrace/millrace/store/storetest"
)

// damage is something done to the bytes of a file at rest.
type damage struct {
	name string
	do   func(data []byte, at int, rng *rand.Rand) []byte
}

var damages = []damage{
	{"flipped bit", func(data []byte, at int, rng *rand.Rand) []byte {
		data[at] ^= 1 << rng.IntN(8)
		return data
	}},
	{"zeroed sector", func(data []byte, at int, _ *rand.Rand) []byte {
		at &^= 511
		clear(data[at:min(at+512, len(data))])
		return data
	}},
	{"cut off", func(data []byte, at int, _ *rand.Rand) []byte { return data[:at] }},
}

// TestDamageAtRest damages every file of a closed store in many places. The store then says what is damaged, or the
// damage is in a byte that means nothing; it never answers other than was written.
func TestDamageAtRest(t *testing.T) {
	mem := vfs.NewCrashableMem()
	w := storetest.NewWorkload(1, 3)
	runWithCloses(t, mem, w, 2, 80)
	places := 10
	if testing.Short() || race.Enabled {
		places = 2
	}
	testDamage(t, mem, w, places, damages, func(string) bool { return true })
}

// TestDamageAfterCrash does the same to a store that was not closed. The last records of the log and the manifest are
// where a crash tears them, so that damage there cannot be told from a crash; the log gets some more to bear witness, and
// of the manifest's records TestManifestDamage takes care.
func TestDamageAfterCrash(t *testing.T) {
	mem := vfs.NewCrashableMem()
	w := storetest.NewWorkload(1, 3)
	s := mustOpen(t, crashOptions(mem))
	if err := w.Run(t.Context(), s, 100); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := s.Append(t.Context(), store.LogID{Stream: 1 << 40}, make(store.Data, 600)); err != nil {
			t.Fatal(err)
		}
	}
	crashed := mem.CrashClone(vfs.CrashCloneCfg{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	places := 8
	if testing.Short() || race.Enabled {
		places = 2
	}
	testDamage(t, crashed, w, places, damages, func(name string) bool {
		return path.Ext(name) != ".log" && !strings.HasPrefix(path.Base(name), "MANIFEST-")
	})
	// A log that is cut off is as a crash leaves it.
	testDamage(t, crashed, w, 6*places, damages[:2], func(name string) bool { return path.Ext(name) == ".log" })
}

func testDamage(t *testing.T, mem *vfs.MemFS, w *storetest.Workload, places int, damages []damage, include func(string) bool) {
	record := w.Record()
	rng := rng(1)
	outcomes := make(map[string]int)
	for _, name := range files(t, mem, crashDir) {
		size := len(readFile(t, mem, name))
		if size == 0 || !include(name) {
			continue
		}
		for _, damage := range damages {
			for range places {
				at := rng.IntN(size)
				clone := mem.CrashClone(vfs.CrashCloneCfg{})
				writeFile(t, clone, name, damage.do(readFile(t, clone, name), at, rng))
				outcome := afterDamage(t, clone, w, record)
				outcomes[kindOfFile(name)+": "+outcome]++
				if t.Failed() {
					t.Fatalf("%s at %d of %d bytes of %s", damage.name, at, size, name)
				}
			}
		}
	}
	t.Log(outcomes)
}

// afterDamage opens a store whose files were damaged and holds it against the record.
func afterDamage(t *testing.T, fs vfs.FS, w *storetest.Workload, r storetest.Record) string {
	s, err := disk.Open(crashOptions(fs))
	if err != nil {
		if !strings.Contains(err.Error(), crashDir) {
			t.Errorf("the error names no place: %v", err)
		}
		return "does not open"
	}
	failures := w.CheckDamaged(t, s, r)
	_ = s.Close()
	if len(failures) > 0 {
		return "found when read"
	}
	return "without effect"
}

func kindOfFile(name string) string {
	base := path.Base(name)
	if ext := path.Ext(base); ext != "" {
		return ext
	}
	if path.Base(path.Dir(name)) == "blobs" {
		return "blob of the store"
	}
	return strings.TrimRight(base, "-0123456789")
}

// TestFlippedBlob reads a blob that was damaged: the error comes in place of the end.
func TestFlippedBlob(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := mustOpen(t, crashOptions(mem))
	defer func() { _ = s.Close() }()
	id, _, err := s.PutBlob(t.Context(), strings.NewReader("code of a function"), 100)
	if err != nil {
		t.Fatal(err)
	}
	name := path.Join(crashDir, "blobs", fmt.Sprintf("%x", id[:]))
	for _, text := range []string{"code of a Function", "code", "", "code of a function and more"} {
		writeFile(t, mem, name, []byte(text))
		r, err := s.OpenBlob(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		for err == nil {
			_, err = r.Read(buf)
		}
		if !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("blob that holds %q: %v", text, err)
		}
		_ = r.Close()
	}
}

// files lists all files below a directory.
func files(t *testing.T, fs vfs.FS, dir string) []string {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range names {
		name = fs.PathJoin(dir, name)
		info, err := fs.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			found = append(found, files(t, fs, name)...)
		} else {
			found = append(found, name)
		}
	}
	return found
}

func readFile(t *testing.T, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, info.Size())
	if _, err := f.ReadAt(data, 0); err != nil && len(data) > 0 {
		t.Fatal(err)
	}
	return data
}

func writeFile(t *testing.T, fs vfs.FS, name string, data []byte) {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}
