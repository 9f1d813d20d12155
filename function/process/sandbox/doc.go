// Package sandbox starts a program behind walls: in user, mount, process, IPC and host-name namespaces of its own, without
// capabilities and without a way to get any, with limits on what it may open, fork and write.
//
// The program that links this package is its own helper. Start runs it again, as the first process of the new
// namespaces, and gives it a Spec over a socket. That first process, the init, builds a file tree in which only what the Spec
// names can be seen, gives up what it may not keep, starts the program, and stays to reap whoever is orphaned. When the
// program ends, the init tells how and ends too, and the kernel kills whatever else runs in the namespaces. It also ends when
// its server does, however that happens. Nothing of a sandbox is outside its namespaces: no mount, no file, no cgroup of a
// server that was killed stays for longer than until the next one starts.
//
// The init takes over in an init function of this package, not in main: a Go test that embeds a server has a main that
// knows nothing of sandboxes, and must not run its tests once more in each of them.
//
// The network is the host's. What is listening on loopback can be reached from inside.
package sandbox
