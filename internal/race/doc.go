// Package race tells tests whether the race detector watches them. It makes everything some ten times slower, and what it
// looks for shows after few rounds: tests that repeat themselves with other seeds do less of that under it.
package race
