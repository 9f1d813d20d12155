// Package remote runs functions that live elsewhere: behind a URL.
//
// A function whose environment has the variable MILLRACE_FUNCTION_URL is not started here. Each invocation is one POST of
// its event: to an endpoint of any kind (a service, a program in a debugger, another machine), whose answer is the
// function's; or, when the URL is that of an Invoke operation, to another Lambda: AWS's, its runtime interface emulator,
// SAM's.
//
// An Executor stands before the one that runs processes and takes the functions that are its own.
package remote
