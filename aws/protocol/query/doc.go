// Package query speaks the query protocol: requests are forms, answers are XML.
//
// A request is not decoded a second way. The form is written over as the JSON document that the same call would
// have been, by a description of the input's shape, and then read by the reader that all protocols share, so that
// types, constraints and doors see no difference. Answers are appended by generated code with the functions here.
//
// Invariants. The document made from a form is no deeper than the shape and holds each parameter at most once, so
// its size is bounded by the form's. Parameters that the shape does not name are ignored.
package query
