package mapping

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/mapping/history"
)

// batchName gives the ids of batches names that are the same in every run.
func (p *player) batchName(id history.ID) string {
	i := slices.Index(p.batches, id)
	if i < 0 {
		i = len(p.batches)
		p.batches = append(p.batches, id)
	}
	return fmt.Sprint("b", i+1)
}

// since writes a time of the story.
func (p *player) since(t time.Time) string { return t.Sub(p.began).String() }

// doHistory notes the trails, the oldest first.
func (p *player) doHistory([]string) {
	list, _, err := p.service.Batches(p.last, history.Query{Limit: 1000})
	if err != nil {
		p.note("", -1, 0, "history", "error: "+err.Error())
		return
	}
	slices.Reverse(list)
	for i := range list {
		p.batchName(list[i].ID)
	}
	for i := range list {
		p.note("", -1, 0, "history", p.trail(&list[i]))
	}
}

func (p *player) trail(b *history.Batch) string {
	labels := ""
	if b.Records > 0 {
		labels = p.between(b.First.String(), b.Last.String(), b.Records)
	}
	text := fmt.Sprintf("%s%s [%s] %s", p.batchName(b.ID), p.place(b.ShardID, b.Lane, b.Lanes), labels, b.Outcome)
	for _, child := range b.Children {
		text += " " + p.batchName(child)
	}
	if b.SplitFor != "" {
		text += " for " + b.SplitFor
	}
	if w := b.Window; w != nil {
		text += fmt.Sprintf(" window=%s-%s", p.since(w.Start), p.since(w.End))
		if w.Final {
			text += " final"
		}
		if w.TerminatedEarly {
			text += " early"
		}
	}
	for i := range b.Attempts {
		text += "; " + p.attempt(&b.Attempts[i], b.Records)
	}
	for i := range b.Discards {
		text += "; " + discardText(b.Discards[i].Records, b.Discards[i].Condition, b.Discards[i].InvokeCount, b.Discards[i].Delivery)
	}
	return text
}

func (p *player) place(shard string, lane, lanes int) string {
	text := ""
	if shard = strings.TrimLeft(strings.TrimPrefix(shard, "shardId-"), "0"); shard != "" {
		text += " shard=" + shard
	}
	if lanes > 1 {
		text += fmt.Sprintf(" lane=%d/%d", lane, lanes)
	}
	return text
}

func (p *player) attempt(a *history.Attempt, whole int) string {
	text := p.since(a.Began) + " " + a.Outcome
	if p.shows["ids"] {
		text = p.requestName(a.RequestID) + " " + text
	}
	if a.DurationMS > 0 {
		text += fmt.Sprintf(" in %gms", a.DurationMS)
	}
	if a.Records != whole {
		text += fmt.Sprint(" of ", a.Records)
	}
	if a.Taken > 0 {
		text += fmt.Sprint(" to ", a.Taken)
	}
	if p.shows["types"] && a.ErrorType != "" {
		text += " with " + a.ErrorType
	}
	if a.Problem != "" {
		text += " (" + a.Problem + ")"
	}
	if a.Wait != nil {
		text += ", " + a.Wait.For + " until " + p.since(a.Wait.Until)
	}
	return text
}

func discardText(n int, condition string, invokes int, d *history.Delivery) string {
	text := fmt.Sprintf("%d given up %s invokes=%d", n, condition, invokes)
	switch {
	case d == nil:
	case d.Delivered:
		text += fmt.Sprint(" sent try=", d.Tries)
	default:
		text += fmt.Sprintf(" not sent try=%d (%s)", d.Tries, d.Problem)
	}
	return text
}

// doKept notes what is stored of discarded batches, the oldest first.
func (p *player) doKept([]string) {
	list, _, err := p.service.Discarded(context.Background(), p.last, 0, 1000)
	if err != nil {
		p.note("", -1, 0, "kept", "error: "+err.Error())
		return
	}
	slices.Reverse(list)
	for _, d := range list {
		_, records, state, err := p.service.DiscardedRecords(context.Background(), p.last, d.ID, 0, 1000)
		if err != nil {
			p.t.Fatal(err)
		}
		var labels []string
		for i := range records {
			label := labelOfData(records[i].Data)
			labels = append(labels, label)
			if records[i].PartitionKey != p.keyOf(label) || p.labelAt(records[i].SequenceNumber.String()) != label {
				p.t.Errorf("%s is kept as %+v", label, records[i])
			}
			if records[i].Attempts != len(d.Attempts)+d.AttemptsOmitted {
				p.t.Errorf("%s is kept with %d attempts and not %d", label, records[i].Attempts, len(d.Attempts)+d.AttemptsOmitted)
			}
		}
		text := fmt.Sprintf("%s [%s] %s", p.place(d.ShardID, d.Lane, d.Lanes), strings.Join(labels, " "),
			discardText(d.Records, d.Condition, d.InvokeCount, d.Delivery))
		if len(state) > 0 {
			text += " state=" + stateText(state)
		}
		for i := range d.Attempts {
			text += "; " + p.attempt(&d.Attempts[i], len(records))
		}
		p.note("", -1, 0, "kept", strings.TrimSpace(text))
	}
	if len(list) == 0 {
		p.note("", -1, 0, "kept", "nothing")
	}
}

// doWaits notes what the mapping, its shards and its lanes wait for.
func (p *player) doWaits([]string) {
	w, err := p.service.Waits(p.last)
	if err != nil {
		p.note("", -1, 0, "waits", "error: "+err.Error())
		return
	}
	until := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return " until " + p.since(t)
	}
	if w.For != "" {
		p.note("", -1, 0, "waits", "mapping for "+w.For+until(w.Until))
	}
	for _, s := range w.Shards {
		p.note("", -1, 0, "waits", "shard "+strings.TrimLeft(s.ShardID, "shardI-0")+" for "+s.For+" "+strings.Join(s.Parents, " "))
	}
	for i := range w.Lanes {
		l := &w.Lanes[i]
		text := strings.TrimSpace(p.place(l.ShardID, l.Lane, l.Lanes) + " lane for " + l.For + until(l.Until))
		if l.Batch != 0 {
			text += " with " + p.batchName(l.Batch)
		}
		if l.Records > 0 {
			text += fmt.Sprintf(", holds %d", l.Records)
		}
		p.note("", -1, 0, "waits", text)
	}
}

func (p *player) doKeep(words []string) {
	for name, value := range p.options(words, "batches", "bytes", "history") {
		n := p.number(value)
		switch name {
		case "batches":
			p.config.DiscardedBatches = n
		case "bytes":
			p.config.DiscardedBytes = int64(n)
		case "history":
			p.config.HistoryBytes = int64(n)
		}
	}
	p.restart()
}
