package disk_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/disk"
)

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, disk.Options{Dir: dir})
	_, err := disk.Open(disk.Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "is another process using it?") {
		t.Errorf("opened a directory that is in use: %v", err)
	}
	if _, err := s.Append(t.Context(), store.LogID{}, store.Data("x")); err != nil {
		t.Errorf("the first no longer works: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, disk.Options{Dir: dir})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenMakesDirectories(t *testing.T) {
	dir := t.TempDir() + "/a/b/c"
	s := mustOpen(t, disk.Options{Dir: dir})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A folder that somebody else made may be open to everyone; what is stored in it is not.
func TestOpenKeepsOthersOut(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such permissions")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, disk.Options{Dir: dir})
	defer s.Close()
	for _, name := range []string{"db", "blobs"} {
		info, err := os.Stat(dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s is open to others: %v", name, info.Mode())
		}
	}
}

func TestOpenRefusesWhatIsNotItsOwn(t *testing.T) {
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Open(disk.Options{Dir: file}); err == nil {
		t.Error("opened a file")
	}
	dir := t.TempDir()
	db, err := pebble.Open(dir+"/db", &pebble.Options{Logger: quiet{}, FormatMajorVersion: pebble.FormatValueSeparation})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Set([]byte("k"), []byte("v"), pebble.Sync), db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Open(disk.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "not a store of this program") {
		t.Errorf("opened another program's database: %v", err)
	}
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) {}

// TestNothingIsLeft closes stores in every state and counts goroutines.
func TestNothingIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 5 {
		s := mustOpen(t, disk.Options{Memory: true})
		for i := range uint64(20) {
			if _, err := s.Append(t.Context(), store.LogID{Stream: i}, store.Data("x")); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Trim(t.Context(), store.LogID{Stream: 1}, 2); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				if _, err := s.Append(ctx, store.LogID{Stream: 1}, store.Data("x")); err != nil {
					return
				}
			}
		}()
		cancel()
		<-done
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before { // Pebble's own end soon after it is closed
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
		}
		runtime.Gosched()
	}
}

// TestIdleHasNoGoroutines: an open store that has nothing to do has no goroutine of ours.
func TestIdleHasNoGoroutines(t *testing.T) {
	s := mustOpen(t, disk.Options{Memory: true})
	defer func() { _ = s.Close() }()
	if _, err := s.Append(t.Context(), store.LogID{}, store.Data("x")); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		stacks := make([]byte, 1<<20)
		text := string(stacks[:runtime.Stack(stacks, true)])
		if !strings.Contains(text, "disk.(*Store).applyAll") && !strings.Contains(text, "disk.(*Store).syncAll") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(text)
		}
		runtime.Gosched()
	}
}

// TestLeftoversOfBlobs: a crash in the middle of a blob leaves a file that the next opening removes.
func TestLeftoversOfBlobs(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := mustOpen(t, crashOptions(mem))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	name := crashDir + "/blobs/tmp-7"
	writeFile(t, mem, name, []byte("half a bl"))
	s = mustOpen(t, crashOptions(mem))
	defer func() { _ = s.Close() }()
	if _, err := mem.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the leftover is still there: %v", err)
	}
}
