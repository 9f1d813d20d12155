package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// patch changes one place in Go's own source.
type patch struct {
	file     string // below GOROOT/src
	old, now string
}

// patches make the runtime draw its lots from the seed, and do nothing by the machine's time.
var patches = []patch{
	// The generator. Until a seed is set, at the start of the program, the lots are those of a constant.
	{"runtime/rand.go", "\tseed := &globalRand.seed\n\tif len(startupRand)", "\tseed := &globalRand.seed\n\tif startupRand != nil {\n\t\tseed[0] = 1\n\t} else if len(startupRand)"},
	{"runtime/rand.go", "\tmp := getg().m\n\tc := &mp.chacha8\n", "\tif simState != 0 {\n\t\treturn simRand()\n\t}\n\tmp := getg().m\n\tc := &mp.chacha8\n"},
	{"runtime/rand.go", "//go:linkname maps_rand internal/runtime/maps.rand\n", `var simState uint64

//go:nosplit
func simRand() uint64 {
	simState += 0xa0761d6478bd642f
	hi, lo := math.Mul64(simState, simState^0xe7037ed1a0b428db)
	return hi ^ lo
}

//go:nosplit
func simRandn(n uint32) uint32 {
	return uint32(simRand() % uint64(n))
}

// simSeed starts a simulation. It is called by its test program.
//
//go:linkname simSeed
func simSeed(seed uint64) {
	simState = seed<<1 | 1
}

//go:linkname maps_rand internal/runtime/maps.rand
`},
	// Lots: which case of a select, which of two timers, which of the goroutines that can run.
	{"runtime/select.go", "j := cheaprandn(uint32(norder + 1))", "j := simRandn(uint32(norder + 1))"},
	{"runtime/time.go", "t.rand = cheaprand()", "t.rand = uint32(simRand())"},
	{"runtime/proc.go", "const randomizeScheduler = raceenabled", "const randomizeScheduler = true"},
	// The machine's time: nobody is interrupted, and threads that wait for their turn take no account of how long they have.
	{"runtime/proc.go", "func retake(now int64) uint32 {\n", "func retake(now int64) uint32 {\n\tif simState != 0 {\n\t\treturn 0\n\t}\n"},
	{"runtime/proc.go", "if pp.schedtick%61 == 0 && !sched.runq.empty() {", "if simState == 0 && pp.schedtick%61 == 0 && !sched.runq.empty() {"},
	{"internal/sync/mutex.go", "starvationThresholdNs = 1e6", "starvationThresholdNs = 1 << 62"},
}

// overlay writes the changed files to a folder, with a description for the option -overlay of go build, whose path it returns.
func overlay(goroot, folder string) (string, error) {
	changed := map[string]string{}
	for _, p := range patches {
		text, ok := changed[p.file]
		if !ok {
			source, err := os.ReadFile(filepath.Join(goroot, "src", p.file))
			if err != nil {
				return "", err
			}
			text = string(source)
		}
		if strings.Count(text, p.old) != 1 {
			return "", fmt.Errorf("%s of this version of Go does not have, once, what would be changed: %q", p.file, p.old)
		}
		changed[p.file] = strings.Replace(text, p.old, p.now, 1)
	}
	replace := map[string]string{}
	for file, text := range changed {
		path := filepath.Join(folder, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(goroot, "src", file)] = path
	}
	description, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "overlay.json")
	return path, os.WriteFile(path, description, 0o600)
}
