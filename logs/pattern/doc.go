// Package pattern reads the filter patterns of CloudWatch Logs and says which messages they are for.
//
// There are three kinds. Terms (`ERROR -"in test" ?a ?b`) look for texts anywhere in a message. A pattern in braces
// (`{ $.level = "error" && $.ms > 100 }`) asks for properties of a message that is JSON. One in brackets
// (`[ip, ..., status = 4*, bytes]`) asks for words of a message. In each a `%regular expression%` can stand for a text.
//
// Matching takes time in proportion to the message, whatever the pattern.
package pattern
