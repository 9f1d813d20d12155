package mapping

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/stream"
)

// Check implements Destination.
func (e *epoch) Check(_ context.Context, arn string) error {
	if strings.HasSuffix(arn, ":forbidden") {
		return errors.New("access denied")
	}
	return nil
}

// Send implements Destination.
func (e *epoch) Send(_ context.Context, arn string, n Notice) error {
	if e.isDead() {
		return errCrashed
	}
	w := e.world
	var d struct {
		RequestContext struct {
			RequestID, FunctionArn string
			Condition              string
			ApproximateInvokeCount int
		}
		ResponseContext  *struct{ FunctionError *string }
		TimeWindowInfo   *windowEvent
		KinesisBatchInfo struct {
			ShardID                                string
			StartSequenceNumber, EndSequenceNumber string
			BatchSize                              int
		}
		Payload *string
	}
	if err := json.Unmarshal(n.Body, &d); err != nil {
		w.t.Errorf("document: %v", err)
	}
	w.mu.Lock()
	broken := w.broken > 0
	w.broken = max(0, w.broken-1)
	if !broken {
		w.documents = append(w.documents, string(n.Body))
	}
	w.mu.Unlock()
	info := &d.KinesisBatchInfo
	labels, lane := "", 0
	target := functionOf(d.RequestContext.FunctionArn)
	if info.BatchSize > 0 {
		labels = w.between(info.StartSequenceNumber, info.EndSequenceNumber, info.BatchSize)
		lane = laneOf(testHash(w.keyOf(w.labelAt(info.StartSequenceNumber))), w.factor(target))
	}
	text := fmt.Sprintf("[%s] %s invokes=%d", labels, d.RequestContext.Condition, d.RequestContext.ApproximateInvokeCount)
	if d.TimeWindowInfo != nil {
		text += strings.ReplaceAll(d.TimeWindowInfo.describe(w.began), " state=", "")
	}
	if d.ResponseContext != nil && d.ResponseContext.FunctionError == nil {
		text += " error=null"
	}
	if isBucket(arn) {
		text += w.objectText(n, d.Payload)
	} else if n.Key != "" || d.Payload != nil {
		w.t.Errorf("a document for %s has the key %q and a payload: %t", arn, n.Key, d.Payload != nil)
	}
	if w.shows["ids"] {
		text = w.requestName(d.RequestContext.RequestID) + " " + text
	}
	shard, _ := strconv.Atoi(strings.TrimPrefix(info.ShardID, "shardId-"))
	if broken {
		w.note(target, shard, lane, "undelivered", text)
		return errors.New("queue does not exist")
	}
	w.note(target, shard, lane, "on-failure", text)
	return nil
}

func functionOf(arn string) string {
	ref, _ := function.ParseRef(arn, testAccount, testRegion)
	return ref.Name.Name
}

// between names the records from one sequence number to another. Only a lane's first and last are known, so that with
// several lanes there is a number in between.
func (w *world) between(first, last string, count int) string {
	a, _ := stream.ParseSequenceNumber(first)
	b, _ := stream.ParseSequenceNumber(last)
	if got := int(b.Origin().Position-a.Origin().Position)>>16 + 1; got != count {
		return fmt.Sprintf("%s .. %d .. %s", w.labelAt(first), count, w.labelAt(last))
	}
	var labels []string
	for p := a.Origin().Position; p <= b.Origin().Position; p += 1 << 16 {
		labels = append(labels, w.labelOf(uint32(a.Origin().Shard), p))
	}
	return strings.Join(labels, " ")
}

func (w *world) labelAt(number string) string {
	n, _ := stream.ParseSequenceNumber(number)
	return w.labelOf(uint32(n.Origin().Shard), n.Origin().Position)
}
