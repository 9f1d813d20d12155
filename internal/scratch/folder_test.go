//go:build unix

package scratch_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/millrace/millrace/internal/scratch"
)

// holder is the variable that makes the test binary a process that makes a folder in the place it names, and waits.
const holder = "SCRATCH_TEST_HOLDER"

func TestMain(m *testing.M) {
	if parent := os.Getenv(holder); parent != "" {
		f, err := scratch.Make(parent, "kind-")
		if err != nil {
			panic(err)
		}
		if err := os.WriteFile(filepath.Join(f.Path(), "file"), []byte("x"), 0o600); err != nil {
			panic(err)
		}
		fmt.Println(f.Path())
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGUSR2) // to wait in an empty select would be a deadlock
		for range signals {
		}
	}
	os.Exit(m.Run())
}

// hold starts a process with a folder of its own.
func hold(t *testing.T, parent string) (path string, kill func()) {
	t.Helper()
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), holder+"="+parent)
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line[:len(line)-1], kill
}

func exists(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Lstat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

// The folder of a process that was killed goes when the next is made; that of one that lives does not.
func TestFolderOfKilledProcess(t *testing.T) {
	parent := t.TempDir()
	left, kill := hold(t, parent)
	used, _ := hold(t, parent)
	kill()
	if !exists(t, left) {
		t.Fatal("nothing was left")
	}
	f, err := scratch.Make(parent, "kind-")
	if err != nil {
		t.Fatal(err)
	}
	if exists(t, left) || !exists(t, used) || !exists(t, f.Path()) {
		t.Errorf("left: %t, used: %t, made: %t", exists(t, left), exists(t, used), exists(t, f.Path()))
	}
	if err := f.Remove(); err != nil || exists(t, f.Path()) {
		t.Errorf("not removed: %v", err)
	}
}

// What is not a folder that Make made stays: another name, a file, a link wherever it leads, and another user's.
func TestSweepLeavesOthers(t *testing.T) {
	parent, elsewhere := t.TempDir(), t.TempDir()
	inside := filepath.Join(elsewhere, "inside")
	names := []string{"kind-1x", "kind-", "other-1", "kind-2", "kind-3", "kind-4"}
	for _, name := range append(names[:3:3], "kind-4") {
		if err := os.Mkdir(filepath.Join(parent, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(
		os.WriteFile(inside, nil, 0o600), os.WriteFile(filepath.Join(parent, "kind-2"), nil, 0o600),
		os.Symlink(elsewhere, filepath.Join(parent, "kind-3")),
	)
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		err = os.Chown(filepath.Join(parent, "kind-4"), 65534, 65534)
	} else {
		names = names[:5]
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := scratch.Make(parent, "kind-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Remove() }()
	for _, name := range names {
		if !exists(t, filepath.Join(parent, name)) {
			t.Errorf("%s was removed", name)
		}
	}
	if !exists(t, inside) {
		t.Error("a link was followed")
	}
}

// A link inside an abandoned folder does not lead out of it.
func TestSweepFollowsNoLink(t *testing.T) {
	parent, elsewhere := t.TempDir(), t.TempDir()
	inside, left := filepath.Join(elsewhere, "inside"), filepath.Join(parent, "kind-1")
	err := errors.Join(os.WriteFile(inside, nil, 0o600), os.Mkdir(left, 0o700), os.Symlink(elsewhere, filepath.Join(left, "link")))
	if err != nil {
		t.Fatal(err)
	}
	f, err := scratch.Make(parent, "kind-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Remove() }()
	if exists(t, left) || !exists(t, inside) {
		t.Errorf("left: %t, what it led to: %t", exists(t, left), exists(t, inside))
	}
}

// Many who start at once keep their folders.
func TestFoldersOfMany(t *testing.T) {
	parent := t.TempDir()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			f, err := scratch.Make(parent, "kind-")
			if err != nil {
				t.Error(err)
				return
			}
			if err := os.Mkdir(filepath.Join(f.Path(), "x"), 0o700); err != nil {
				t.Error(err)
			}
			if err := f.Remove(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("%v %v", left, err)
	}
	if _, err := scratch.Make(filepath.Join(parent, "none"), "kind-"); !errors.Is(err, syscall.ENOENT) {
		t.Error(err)
	}
}
