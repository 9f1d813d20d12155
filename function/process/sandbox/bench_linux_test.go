package sandbox

import (
	"os"
	"runtime"
	"testing"
	"time"
)

// BenchmarkStart measures a sandbox by itself: until its program runs, and after the program's end until nothing is left.
func BenchmarkStart(b *testing.B) {
	if err := Probe(b.Context(), b.TempDir()); err != nil {
		b.Skip(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	spec := Spec{Root: b.TempDir(), TmpBytes: 512 << 20, MemoryBytes: 1 << 30, Args: []string{"/bin/true"}, Dir: "/", Output: w}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var starting, ending time.Duration
	for b.Loop() {
		begun := time.Now()
		p, err := Start(b.Context(), spec)
		if err != nil {
			b.Fatal(err)
		}
		started := time.Now()
		p.Wait()
		starting += started.Sub(begun)
		ending += time.Since(started)
	}
	b.ReportMetric(float64(starting.Microseconds())/1e3/float64(b.N), "start-ms")
	b.ReportMetric(float64(ending.Microseconds())/1e3/float64(b.N), "end-ms")
}
