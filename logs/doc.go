// Package logs keeps log groups, the streams in them, and the events in these: CloudWatch Logs.
//
// Each group is one log of the store. What becomes durable together is a block of it, with events of several streams; some
// hundred kilobytes of blocks in a row are an extent, of which the room remembers the range of times, the streams, and
// nothing else. A reader asks the extents which of them can have what it looks for, and reads these. So memory goes with the
// size of a group, by some hundred bytes a megabyte, and not with its events.
//
// Events are ordered by their times, and those of the same time by their places in the log. A position in a group is
// therefore the same for all who read it, and a token that holds one never goes stale.
//
// Two kinds of writers come here. Who calls Put waits until its events are durable. What functions print comes through a
// Writer, which never makes anybody wait: it gathers events in a bounded buffer, and Run makes them durable a moment later.
// When they come faster than that, events are dropped, and the stream says how many in the place where they are missing.
//
// What is old falls off by extents: when the group has a retention period and all of an extent is older, and when the
// group is larger than Config.GroupBytes. Streams that a Writer has made go with their last event.
package logs
