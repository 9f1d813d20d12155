package sandbox

// machineForbidden are the forbidden system calls that only this machine has.
var machineForbidden []uint32
