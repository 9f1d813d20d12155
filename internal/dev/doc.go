// Package dev is `millrace dev`: a server whose functions are the folders of a folder, as they are at the moment.
//
// It embeds a server and else is its client: what it does to functions, streams and mappings goes through AWS's API, as
// anybody could do it. One goroutine looks at the folders again and again (look), at a pace at which looking costs little.
// A folder that has changed and come to rest is read (plan), packed (pack) and applied (apply): the function is made or
// updated, its streams and mappings are made where they are missing. What cannot be applied is told of, the function
// stays as it was, and the folder is tried again.
//
// These hold:
//
//   - only functions and mappings that it made are ever touched: a function by its description, a mapping by its tag;
//   - nothing that holds records or a place in a stream is deleted: a mapping that is not wanted any more is disabled, and
//     goes on from its place when it is wanted again;
//   - the same files make the same package, so nothing is updated by a start or by a file that was saved unchanged;
//   - what is printed are whole lines, each with the name of its function before it.
package dev
