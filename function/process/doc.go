// Package process runs functions as processes of this machine that speak the Lambda Runtime API.
//
// A provided.* function is its own program, bootstrap. A Python or Node.js function is run by an interpreter of the host
// under a small bootstrap of ours, which gives the handler what AWS's own runtime gives it. Which interpreter runs which
// runtime is found out when it is first needed and can be configured.
//
// An instance is one process with a process group and a Runtime API of its own. Its life:
//
//   - it starts, and has some time to initialize; one that takes longer goes on within its first invocation;
//   - it takes one invocation after another, each with the function's timeout, which covers everything until the
//     process asks for the next one;
//   - between invocations it is frozen: all its processes are stopped, where the system lets them be found;
//   - it ends, because it exits, because an invocation ran out of time, or because it is closed. Its whole group is
//     then killed and the process reaped, and only then is the invocation under way answered.
//
// External extensions, which are programs in the layers of a function, make an instance a company: they are started first, the runtime
// when they have registered, and an invocation is over when they are done with it, too. When one of them ends the instance does; when
// the runtime has ended, or is to, they are told and have a while to end themselves. An invocation is answered when the runtime has
// ended, and nobody waits for the extensions but Close.
//
// Where the host allows it, each instance runs in a sandbox (package sandbox): what it may not touch it cannot see, and what
// it starts ends with it. Without one, what a function starts in a group or a session of its own is not found again. Either
// way no process outlives a server that is killed on Linux: the kernel ends it.
//
// The memory of an instance, with all processes that it started, is watched, and an instance that takes more than its function
// has is killed.
//
// A process sees the environment that AWS documents and nothing of the server's. What it prints is read at once, cut
// into lines of bounded length, and never held up by who reads the lines.
package process
