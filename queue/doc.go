// Package queue keeps message queues, standard and FIFO ones: it is the room behind the SQS door, and the place where a
// mapping's given-up batches end.
//
// # What a message is here
//
// A message is two rows of the store, written by one commit before Send returns: a header (queue, the moment from which
// it may be received, its number) and a body (text, attributes, who sent it). Numbers are given out once in the life of
// a store and never again, so a receipt handle kept for a year can not hit another message. Headers sort by the moment
// of availability, which makes a delayed message an ordinary one that sorts later.
//
// # What memory holds
//
// Bodies stay in the store. Memory knows of
//
//   - the messages that were received at least once and not yet deleted (entries, about 130 bytes each): in flight, or
//     visible again. Their number is bounded by the limit on messages in flight (120,000 a queue, as AWS has it), since
//     no new message is started while so many are open;
//   - a window on the headers that nobody has received yet: at most 2,048 of them, read on from the store when it runs
//     dry. A backlog of any length costs the same memory.
//
// So there is no cap on the messages of a queue, and nothing is refused for want of memory. A queue's headers (not its
// bodies) are scanned once after a start, by whoever uses the queue first or by Run, to count them.
//
// # What survives what
//
//   - An acknowledged send, delete, purge or change of a queue survives the loss of the process and of power.
//   - What a receive or a change of visibility did (visible again when, received how often, first when) is written
//     behind by Run, within a second and many at once, and at a graceful stop. A crash may lose the last second of it:
//     those messages are visible again at once and their count is lower by what was lost. Receive promises at least
//     once, and a consumer that deletes what it received within the second costs no write for having received it.
//   - Receipt handles are signed with a key that is kept in the store. They work after a restart, and a delete by such a
//     handle is final even if the receive itself was forgotten.
//
// # Writes in doubt
//
// What became of a commit is not always known when it fails. Memory then goes on as if it had not happened, but what it was
// about stays as it is until that is known: messages that were being deleted or moved are out of sight, those that were
// being sent in no index, and nothing more is sent to the queue, so that nothing is lost in one that was deleted after all,
// and nothing overtakes in a FIFO queue.
//
// # Order and fairness
//
// Messages leave about in the order in which they became available. Messages that came back (timed out or let go) take
// turns with new ones, so a poison message neither blocks the queue nor waits behind the whole backlog. Waiting
// receivers are served strictly in the order in which they came; a message is handed to the first of them under the
// queue's lock, so a newcomer cannot overtake.
//
// # FIFO queues
//
// A FIFO queue's headers sort by number alone. Its sends go through an outbox, one commit after the other, so that numbers
// become visible in their order; what waits meanwhile shares the next commit. The window's place is taken by message
// groups: memory knows of the first 120,000 messages (entries included), by group. The next message of a group is always
// its first, and while that is out of sight, or being deleted or moved, the group is closed. Groups that are open stand
// in line by the moment at which they became so. Sends are known again for five minutes by rows of their own, written
// with the message, and cleared up by Run.
//
// # Dead letters
//
// A message that was received as often as the redrive policy allows is condemned when it is picked again, and moved before
// that receive returns: one commit takes it out of its queue and puts it into the other, so that it is in one of the two,
// whatever happens. A task moves messages back the same way, a few at a time, and counts them in the same commit.
//
// # Time
//
// Nothing polls. While somebody waits, the queue has an appointment in an agenda for the next moment at which a
// message becomes visible; expiry, write-behind and clearing up have appointments in a second agenda, so that a slow
// disk does not hold up the first. Run serves both. Without Run, sends, receives and deletes work; long polls see
// reappearing messages only when their time is up, and nothing is written behind or expired from the store.
//
// # Invariants
//
//   - A queue's mutex guards memory only: it is never held while waiting for the store, a channel or a timer.
//   - A receiver stands in line only while nothing can be given out.
//   - A message whose delete is under way is in neither schedule: it cannot be received again, and returns if the
//     delete fails.
//   - The window holds every header before its edge that is not an entry; those at or beyond it are in the store alone.
package queue
