// Package policy reads policies of IAM and evaluates them: who may do what to which resource, under which conditions.
//
// It is pure. Evaluate is handed a request and all the policies that have a say in it, and returns what they decide and
// why; who the caller is, and which policies apply to it, is found out elsewhere.
//
// What a policy says that is not understood makes the whole policy invalid when it is read, and never makes it wider: a
// condition that cannot be judged does not hold, a variable that has no value matches nothing.
package policy
