package demo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// maxLetters bounds how many dead letters the summary fetches.
const maxLetters = 1000

// Summary tells what came of the demo. Latencies are in milliseconds.
type Summary struct {
	RecordsPut   int64 `json:"records_put"`
	Delivered    int64 `json:"delivered"`     // records the function took
	DeadLettered int64 `json:"dead_lettered"` // records whose document is in the queue
	Refused      int64 `json:"refused"`       // records put that the handler refuses
	Invocations  int64 `json:"invocations"`
	Retries      int64 `json:"retries"`
	Splits       int64 `json:"splits"`

	// PutToInvoke is the time from the arrival of a record to the start of its first invocation, waits behind retries of
	// an earlier record of its shard included; PutToInvokeFreeLane counts only records that had no such wait.
	PutToInvoke         latency `json:"put_to_invoke_ms"`
	PutToInvokeFreeLane latency `json:"put_to_invoke_free_lane_ms"`

	// What the handler's ledger says: the demo's proof.
	InLedger   int64 `json:"in_ledger"`
	Repeated   int64 `json:"repeated"`
	OutOfOrder int64 `json:"out_of_order"`
	Missing    int64 `json:"missing"`

	Shards      []ShardSummary `json:"shards"`
	DeadLetters []DeadLetter   `json:"dead_letters"`
	Seconds     float64        `json:"seconds"`
	DataDir     string         `json:"data_dir"`
	Mapping     string         `json:"mapping_uuid"`
}

// ShardSummary counts the records of one shard.
type ShardSummary struct {
	ShardID      string `json:"shard_id"`
	Delivered    int64  `json:"delivered"`
	DeadLettered int64  `json:"dead_lettered"`
}

func summarize(ctx context.Context, c *clients, w works, p *putter, ledger string) (Summary, error) {
	page, err := c.stats(ctx, w.mapping)
	if err != nil {
		return Summary{}, err
	}
	t, err := readLedger(ledger, p.wanted)
	if err != nil {
		return Summary{}, err
	}
	waiting, err := c.messagesWaiting(ctx, w.queueURL)
	if err != nil {
		return Summary{}, err
	}
	letters, err := c.deadLetters(ctx, w.queueURL, maxLetters)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{
		RecordsPut: p.put.Load(), Refused: p.bad.Load(),
		Delivered: page.Stats.Delivered, DeadLettered: waiting,
		Invocations: page.Stats.Invocations, Retries: page.Stats.Retries, Splits: page.Stats.Splits,
		PutToInvoke: page.Stats.PutToInvoke, PutToInvokeFreeLane: page.Stats.FreeLane,
		InLedger: t.Records, Repeated: t.Repeated, OutOfOrder: t.OutOfOrder, Missing: t.Missing,
		DeadLetters: letters,
		Mapping:     w.mapping,
	}
	for _, shard := range page.Stats.Shards {
		s.Shards = append(s.Shards, ShardSummary{shard.ShardID, shard.Delivered, shard.Discarded})
	}
	return s, nil
}

// messagesWaiting returns how many messages the queue holds.
func (c *clients) messagesWaiting(ctx context.Context, queueURL string) (int64, error) {
	text, err := c.queueAttribute(ctx, queueURL, "ApproximateNumberOfMessages")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

func (c *clients) queueAttribute(ctx context.Context, queueURL, name string) (string, error) {
	var answer struct{ Attributes map[string]string }
	err := c.sqs(ctx, "GetQueueAttributes", document{"QueueUrl": queueURL, "AttributeNames": []string{name}}, &answer)
	return answer.Attributes[name], err
}

// check returns an error for each promise that the numbers break.
func (s Summary) check() error {
	var broken []error
	claim := func(holds bool, format string, a ...any) {
		if !holds {
			broken = append(broken, fmt.Errorf(format, a...))
		}
	}
	claim(s.Missing == 0, "%d accepted records are missing from the function's ledger", s.Missing)
	claim(s.OutOfOrder == 0, "%d records came after a later one of their key", s.OutOfOrder)
	claim(s.Repeated == 0, "%d records came twice", s.Repeated)
	claim(s.InLedger == s.Delivered, "the ledger has %d records, the mapping counts %d", s.InLedger, s.Delivered)
	claim(s.DeadLettered == s.Refused, "%d records should be refused, the queue has %d documents", s.Refused, s.DeadLettered)
	claim(s.Delivered+s.DeadLettered == s.RecordsPut, "%d delivered and %d refused of %d put", s.Delivered, s.DeadLettered, s.RecordsPut)
	for _, l := range s.DeadLetters {
		claim(l.Alone, "record %s shares its document with others", l.SequenceNumber)
		claim(refused([]byte(l.Data)) != nil, "record %s in the queue is one the handler takes", l.SequenceNumber)
	}
	return errors.Join(broken...)
}
