// Package topic keeps topics and who subscribed to them: SNS.
//
// A publish is durable at every subscription that wants it before it is acknowledged. Queues are handed it at once, by a
// Deliverer that answers when it is durable there. What web servers and functions are to receive is written to the
// subscription's backlog, and couriers bring it: one for each subscription for which something waits, so that a slow endpoint
// holds up nobody else. A publish that fails may have reached some of them: who repeats it sends these a second message, as
// SNS may, which promises at least once.
//
// The backlog lies in the store, with the number of attempts and the time of the next; in memory a courier holds a window of
// it. An attempt that fails is repeated as SNS repeats it: three times, 20 seconds apart, to a web server, unless a delivery
// policy says otherwise; for 23 days to a function. What an endpoint can never take, or has not taken by then, goes to
// the subscription's dead-letter queue; without one it is logged and dropped.
//
// The publishes of a FIFO topic go through one by one. The topic knows messages again for five minutes; what it noted is
// written when the queues have the message.
//
// The room does not know what an endpoint is; it asks for a Deliverer, an Invoker and a Poster, and server introduces the
// queues, the functions and the network.
package topic
