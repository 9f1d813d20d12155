// Command replay runs the simulation of package sim so that a seed is all that a run depends on: what fails once fails every time, at
// the same operation of the disk.
//
//	go run ./sim/replay -seed 1 -seeds 2000     so many seeds, on all processors
//	go run ./sim/replay -seed 4711 -story       one, with its story
//	go run ./sim/replay -seeds 20 -twice 20     each twice, which must be the same twice
//
// Virtual time and a made-up disk leave two things to chance in a Go program: what the runtime draws by lot (which case of a select, the
// order of a map, the order of goroutines that can all run) and what the machine's own time decides (when a goroutine has run
// for long enough, when garbage is collected). So the test program of package sim is built with some lines of the Go runtime
// changed, which patches.go lists: lots come from the seed, nobody is interrupted, and garbage is not collected. It runs on one
// processor, one process a seed. The changes fit the Go version of go.mod; with another the program says which no longer fits.
package main
