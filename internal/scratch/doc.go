// Package scratch makes temporary folders that end with the process that made them: if not by its own hand, because it was
// killed, then by that of the next process that makes one of the same kind.
//
// A folder is locked by its process as long as that lives; the kernel lets go of the lock with the process, however it ends. Who
// makes a folder first removes those of the same kind that nobody has locked. Only the user's own are looked at, and links never
// followed: the parent is open to everybody.
package scratch
