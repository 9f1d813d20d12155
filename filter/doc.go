// Package filter decides which records of a stream a mapping leads to its function, and which messages of a topic a
// subscription receives: the patterns of FilterCriteria and of FilterPolicy, in the language of Amazon EventBridge's event
// patterns as far as the guides of Lambda and SNS name it.
//
// A pattern is a JSON object. Its keys must all match, an array beside a key holds comparisons of which one must match,
// an object beside a key goes on inside, and "$or" holds alternatives. What it is held against is the record as a flat
// object: data (the payload, decoded from JSON), partitionKey, sequenceNumber, kinesisSchemaVersion and
// approximateArrivalTimestamp. A record passes a Set when one of the Set's patterns matches.
//
//	{"data": {"type": ["sale", "refund"], "price": [{"numeric": [">", 0, "<=", 100]}]}, "partitionKey": [{"prefix": "eu-"}]}
//
// # Two ways to one answer
//
// Match is for every record of every stream: all patterns of a Set are merged into one tree of names, and the payload is
// read once, from its first byte to its last, without being taken apart into maps. It allocates nothing.
//
// Explain is for people: it decodes the payload, follows each pattern key by key, and says which comparison decided. The
// two share only the comparisons themselves, and tests hold them against each other and against a third, simpler one.
//
// # What matches what
//
// Strings compare exactly and numbers by their text: 300 does not match 300.0, except inside "numeric", which compares
// exactly, whatever the number of digits. An array in the payload matches if one of its elements does, an empty one is
// like a member that is not there. An object is no leaf: for comparisons at its place it is not there. In a payload as in
// a pattern the last of several members of one name counts. A payload that is no JSON object, or is nested deeper than
// maxDepth, matches no pattern that speaks of data.
//
// # Policies
//
// A Policy is one pattern as a subscription to an SNS topic has it: about the message's attributes or about its body, with
// SNS's limits and SNS's words for what is wrong. It is matched as the pattern of a record's data.
package filter
