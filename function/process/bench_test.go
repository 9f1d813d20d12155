package process_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/function"
)

// BenchmarkWarmInvoke measures an invocation of a function that is warm, from the call to its return.
func BenchmarkWarmInvoke(b *testing.B) {
	small := []byte(`{"hello":"world"}`)
	large := append(append([]byte(`{"data":"`), bytes.Repeat([]byte("x"), 1<<20)...), `"}`...)
	for _, f := range []struct{ name, runtime, handler, file, code string }{
		{"minimal", "provided.al2023", "h", "bootstrap*", "@" + filepath.Join(programs, "minimal")},
		{"go", "provided.al2023", "h", "bootstrap*", "@" + filepath.Join(programs, "gobootstrap")},
		{"python", "python3.11", "main.handler", "main.py", "def handler(event, context):\n    return event\n"},
		{"node", "nodejs20.x", "main.handler", "main.js", "exports.handler = async (event) => event;\n"},
	} {
		for _, payload := range [][]byte{small, large} {
			b.Run(fmt.Sprintf("%s/%dB", f.name, len(payload)), func(b *testing.B) {
				h := open(b)
				if function.ManagedRuntime(f.runtime) {
					need(b, h, f.runtime)
				}
				h.deploy("f", f.runtime, f.handler, files{f.file: f.code})
				benchmarkInvoke(b, h, payload)
			})
		}
	}
}

func benchmarkInvoke(b *testing.B, h *house, payload []byte) {
	in := function.Invocation{Ref: ref("f"), Payload: payload, Vouched: true}
	var took []time.Duration
	for warm := false; b.Loop(); warm = true {
		begun := time.Now()
		result, err := h.functions.Invoke(b.Context(), in)
		if err != nil || result.FunctionError != "" || result.Cold == warm {
			b.Fatalf("%+v %v", result, err)
		}
		if warm {
			took = append(took, time.Since(begun))
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e6, "p50-ms")
		b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e6, "p99-ms")
	}
	b.SetBytes(int64(len(payload)))
}
