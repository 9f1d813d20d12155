// Package topic keeps topics and who subscribed to them: SNS, as far as a destination of discarded batches and its readers
// need it.
//
// A publish is handed to every subscription before it is acknowledged, and a Deliverer answers only when the message is
// durable at its endpoint. So an acknowledged message has reached every queue that was subscribed, whatever happens to the
// program afterwards, and nothing has to be kept between. A publish that fails may have reached some of them: who repeats it
// sends these a second message, as SNS may, which promises at least once.
//
// What an endpoint can never take (its queue is gone, the message is too long for it) does not fail the publish: it is
// logged and dropped, as SNS does without a redrive policy.
//
// The room does not know what an endpoint is; it asks for a Deliverer, and server introduces the queues.
package topic
