// Package wiretest plays golden files against the doors: stories of requests and their answers, as they stand on the wire.
// Only tests import it.
//
// A file is a txtar archive. What stands before its first section tells what the story is about; then each pair of sections
// is a request and its answer:
//
//	-- a stream that is not there [AWS] --
//	DescribeStream
//	{"StreamName":"none"}
//	-- answer --
//	400
//	{"__type":"ResourceNotFoundException", …
//
// The mark says where the answer is known from: AWS (recorded or documented), PEER (another implementation that observed
// AWS), OPEN (AWS is unknown here, or we differ on purpose). A section named "after 30s: …" lets time pass first. How a
// request is written, and what of an answer is shown, is for each door to say; what no two runs have in common is given names
// (Mask).
//
// With -rewrite a test writes the answers into its files instead of comparing; read the difference before keeping it.
package wiretest
