// Package runtime is the Lambda Runtime API of version 2018-06-01, with the Extensions API of version 2020-01-01 and the Telemetry API of version
// 2022-07-01 (and the Logs API that it replaced) beside it: the small HTTP service that code running as a function polls for its work. A Server speaks it to one execution environment, on a loopback listener of its own, so
// that a path needs no environment in it.
//
// The conversation is: the runtime starts, asks for the next invocation (or reports that it could not initialize),
// gets one when there is one, answers it with a response or an error, and asks again. A Server keeps these invariants:
//
//   - it hands out one invocation at a time, and takes one answer for it; a second answer is refused;
//   - a runtime that asks again without having answered is given the same invocation once more;
//   - an invocation is over, for the environment, when the runtime asks for the next one and every extension that heard
//     of it for its next event, not when it is answered: that is when Settled is called;
//   - bodies are bounded before they are kept, and what is too long is read to its end and dropped, so that the
//     runtime sees the refusal instead of a broken connection;
//   - asking for the next invocation never times out.
//
// Extensions that subscribe to telemetry are sent what was published, in order and in batches, to a listener of theirs on the loopback
// interface. Each has a bounded buffer; what does not fit is dropped and counted, so that a listener that does not read holds nobody up.
//
// Statuses, bodies and error types are those of AWS's own Runtime Interface Emulator.
//
// The package knows HTTP and nothing of processes or functions: what a missing answer means (a timeout, a crash) is for
// the one who runs the process.
package runtime
