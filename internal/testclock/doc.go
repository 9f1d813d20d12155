// Package testclock is a clock that moves as who tests says: it goes with the wall clock, from which it may be ahead, or
// stands.
package testclock
