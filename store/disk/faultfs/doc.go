// Package faultfs is a file system with faults, for tests of what stands on it.
//
// It wraps another file system (in tests mostly Pebble's in-memory one, which can also be cloned as a crash would leave
// it) and injects, by name of file and kind of operation:
//
//   - Error: an operation fails, from its nth time on, once or for good.
//   - Full: the disk has so many bytes; a write beyond them is cut short and fails with ENOSPC, as a real one is. The
//     size changes while in use, as it does when other programs fill the disk or an operator makes room. The free
//     space may be hidden, as behind a quota.
//   - Slow: an operation takes time.
//   - Watch: the test is told of every operation before it is done. A crash at every point is a watcher that clones
//     the disk each time.
//
// What an engine over it must survive, and how:
//
//   - Crash at any operation, with any part of what was not synced lost or torn: everything acknowledged is there.
//   - Error in the creation of a table file: nothing is seen of it but time.
//   - Error in any other creation, write or sync, of any file or directory: writes end with an error, reads go on, the
//     process lives; opening again finds everything acknowledged.
//   - Error while opening: an error, and the next opening finds everything acknowledged.
//   - Full: writes answer store.ErrFull, reads go on; with room again, writes go on; nothing acknowledged is lost.
//   - Slow: calls end with their contexts; nothing else changes.
//   - Flipped or torn bytes in files at rest (tests change the files themselves): an error that names the place, or the
//     data as written; never other data.
//
// Not injected, and not survived: a disk that says it has synced when it has not; damage to the same byte in the two
// places that check each other.
package faultfs
