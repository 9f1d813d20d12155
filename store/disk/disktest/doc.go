// Package disktest opens the engine for tests of what is built on it. Only tests import it.
package disktest
