// Package function is the room of functions: it keeps them, and runs them.
//
// A function is a name with code and a configuration. It comes into being as Pending and becomes Active, or Failed when
// nothing here can run it; an update is InProgress until it is Successful or Failed. What is pending is finished by Run,
// after the answer that announced it; meanwhile invocations of a function being updated run its former self.
//
// A function can be published: a version is a copy of its settings and code under a number, which is never used again while
// the function lives. Aliases are names for versions. Both, and the policies of all of them, belong to the function: they
// are kept in tables of their own, are in one entry in memory, change one at a time, and go with the function.
//
// Code is kept twice: as the archive that was uploaded, in the store's blobs, and extracted in a folder named after the
// archive's hash. The folder is made completely and then renamed to its name, so that what exists is whole; it can be
// made again from the blob at any time. Both go when no function and no instance uses them any more.
//
// An event is an invocation that is answered before it is made: it is in the store first, waits in the backlog, and is removed
// when the function has succeeded, or has been given up and whoever is to be told has been. A crash in between repeats it.
//
// A layer is an archive under a name and a number. A function keeps what it needs of its layers, so that they may be deleted;
// they are extracted over each other into one folder for every list of layers.
//
// An invocation needs an environment: an instance of the function, which takes one invocation at a time. The pool hands
// out the one that was used last, or starts another within the limits, and keeps it warm afterwards until it has been
// idle for long. Environments that are provisioned are started ahead and kept, by an allocation for each configuration; the
// ledger counts what runs against the limits. What runs an instance is the Executor's matter; the room knows only its answers. These invariants hold:
//
//   - no account has more invocations at one time than its concurrency, no function more than are reserved for it, and no
//     server more instances than its limit, but for those elsewhere; who finds no place is told so at once and never queued;
//   - what is reserved or provisioned for a function is not used by others;
//   - nothing of a version changes once it can be invoked, and its code stays as long as it does;
//   - an instance that timed out, crashed or failed to start is never used again, and nothing is started but for an
//     invocation, so a function that crashes at its start costs one start an invocation, or to be provisioned, where six
//     failed starts in a row are the last, and what ends by itself is replaced a second later;
//   - an update or a deletion lets invocations under way finish, and then stops their instances;
//   - a revision id changes with every change of what clients can see of a function.
//
// The room knows no AWS error codes: it returns the typed errors of errors.go, with the facts that messages need.
package function
