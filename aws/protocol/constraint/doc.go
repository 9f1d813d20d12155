// Package constraint judges decoded requests and words what is wrong with them as AWS does:
//
//	2 validation errors detected: Value '' at 'streamName' failed to satisfy constraint: Member must …; Value …
//
// Generated code describes each constrained shape once, as a rule (Text, Blob, Integer, Count …), and walks the
// request with a Checks, which knows the path it is at and collects the findings in the order they are met.
//
// Invariants. At most ten findings are kept, however many there are. Nothing is rendered unless it is found wrong.
// Values of sensitive shapes never appear in a finding. Rules do not change once made and are safe for concurrent
// use.
package constraint
