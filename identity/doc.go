// Package identity keeps who may call: users with their access keys, the groups that they are in, roles with the sessions that
// are given out for them, and the policies that say what each may do. It is IAM and STS, as far as streams and functions need them.
//
// All of it is in memory, and durable before a change is answered. Secrets have to be kept as they are, since every request
// is signed with one; they never appear in a log or an error.
//
// A session needs no memory: everything about it is in its token, sealed with a key that never leaves the store. So sessions
// outlive a restart, and as many may be given out as anyone likes. What they may do is looked up when they are used, in the
// role as it is then; it ends with its role, also when another one is made of the same name. Who belongs to whom is kept by ids,
// which stay when a name changes.
//
// What a request may do is decided by package policy; this one knows which policies have a say.
package identity
