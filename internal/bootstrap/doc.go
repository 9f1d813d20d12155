// Package bootstrap lets this program be the code of a Lambda function: its own executable goes into the zip as
// `bootstrap`, and when it finds itself started as one it serves a handler instead of its commands. So the demo and the
// benchmark run real functions where neither Python nor Node.js is installed.
package bootstrap
