// Package storetest is the suite that every engine of the store passes, and the workload that engines are crashed
// under.
//
// Run checks the contract of package store, method by method. Workload writes to every part of a store from several
// writers and keeps a record of what was acknowledged; after any disturbance (a crash, a kill, a full disk), Check
// holds the reopened store against that record:
//
//   - everything acknowledged is there, in order, with the bytes that were written;
//   - what was not acknowledged is there whole or not at all, and only if it was the writer's last act;
//   - no ordinal and no revision comes back with another meaning.
package storetest
