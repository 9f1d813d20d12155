package sandbox

import "golang.org/x/sys/unix"

// machineForbidden are the forbidden system calls that only this machine has.
var machineForbidden = []uint32{unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_MODIFY_LDT, unix.SYS__SYSCTL, unix.SYS_USELIB, unix.SYS_USTAT}
