package queue

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
)

// Limits of redrive policies.
const (
	maxReceiveCount   = 1000
	maxRedriveSources = 10
)

// Redrive is a redrive policy: where messages go that were received too often.
type Redrive struct {
	// Target is the dead-letter queue.
	Target Name
	// Max is how often a message may be received.
	Max uint32
}

// RedriveAllow is a dead-letter queue's word on who may redrive to it.
type RedriveAllow struct {
	// Permission is "allowAll", "denyAll" or "byQueue".
	Permission string `json:"redrivePermission"`
	// Sources are ARNs of queues, for "byQueue".
	Sources []string `json:"sourceQueueArns"`
}

// permits reports whether the queue may redrive to the one that has this policy; nil permits all.
func (a *RedriveAllow) permits(source Name) bool {
	return a == nil || a.Permission == "allowAll" || a.Permission == "byQueue" && slices.Contains(a.Sources, source.ARN())
}

// parseRedrive judges a redrive policy by itself. The problem is 0 when there is none.
func parseRedrive(text string) (*Redrive, RedriveProblem) {
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &fields) != nil || fields == nil {
		return nil, RedriveMalformed
	}
	count, ok := fields["maxReceiveCount"]
	if !ok {
		return nil, RedriveNoCount
	}
	target, ok := fields["deadLetterTargetArn"]
	if !ok {
		return nil, RedriveNoTarget
	}
	n, ok := parseNumber(unquote(count))
	if !ok || n < 1 || n > maxReceiveCount {
		return nil, RedriveCountRange
	}
	address := unquote(target)
	name, err := ParseARN(address)
	switch {
	case !isARN(address):
		return nil, RedriveTargetARN
	case err != nil:
		return nil, RedriveTargetService
	case len(fields) > 2:
		return nil, RedriveUnknownField
	}
	return &Redrive{Target: name, Max: uint32(n)}, 0
}

// receiveCount is the maxReceiveCount of a policy as it was written.
func receiveCount(policy string) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(policy), &fields) != nil {
		return ""
	}
	return unquote(fields["maxReceiveCount"])
}

// unquote is a JSON value as text: a string without its quotes, anything else as it stands.
func unquote(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

// parseRedriveAllow judges a redrive allow policy.
func parseRedriveAllow(text string) (*RedriveAllow, RedriveProblem) {
	var fields map[string]json.RawMessage
	a := new(RedriveAllow)
	if json.Unmarshal([]byte(text), &fields) != nil || json.Unmarshal([]byte(text), a) != nil {
		return nil, AllowMalformed
	}
	for name := range fields {
		if name != "redrivePermission" && name != "sourceQueueArns" {
			return nil, AllowMalformed
		}
	}
	_, sources := fields["sourceQueueArns"]
	switch {
	case a.Permission != "allowAll" && a.Permission != "denyAll" && a.Permission != "byQueue":
		return nil, AllowMalformed
	case a.Permission != "byQueue" && sources:
		return nil, AllowSourcesUnasked
	case a.Permission == "byQueue" && len(a.Sources) == 0:
		return nil, AllowNoSources
	case len(a.Sources) > maxRedriveSources:
		return nil, AllowTooManySources
	}
	return a, 0
}

// checkRedrive judges a redrive policy against the queues that there are. A policy that does not change is let be, even
// if its target is gone.
func (s *Service) checkRedrive(name Name, before, after map[string]string) error {
	text := after[attributeRedrive]
	if text == "" || before[attributeRedrive] == text {
		return nil
	}
	r, _ := parseRedrive(text)
	problem := RedriveProblem(0)
	target, err := s.find(r.Target)
	switch {
	case r.Target.FIFO() != name.FIFO():
		problem = RedriveOtherType
	case r.Target.Account != name.Account || r.Target.Region != name.Region:
		problem = RedriveOtherOwner
	case r.Target == name, err != nil:
		problem = RedriveTargetMissing
	default:
		target.mu.Lock()
		allowed := target.set.RedriveAllow.permits(name)
		target.mu.Unlock()
		if allowed {
			return nil
		}
		problem = RedriveDenied
	}
	return &RedriveError{Attribute: attributeRedrive, Value: text, Problem: problem}
}

// condemnLocked judges a message that was picked to be received: one that was received as often as the redrive policy
// allows goes to the dead-letter queue instead. Where that is gone the message stays, and goes on being received.
func (q *queue) condemnLocked(e *entry, now int64) bool {
	r := q.set.Redrive
	if r == nil || e.count < r.Max {
		return false
	}
	if _, err := q.find(r.Target); err != nil {
		return false
	}
	q.holdLocked(e)
	q.condemned = append(q.condemned, e)
	q.chores.set(q, now+settleDelay.Milliseconds()) // should no receiver see to it
	return true
}

// banish moves the condemned messages to the dead-letter queue. They keep their ids, their counts of receives and, in a
// standard queue, their age.
func (q *queue) banish(ctx context.Context) error {
	for {
		q.mu.Lock()
		n := min(len(q.condemned), MaxReceive)
		batch := slices.Clone(q.condemned[:n])
		q.condemned = slices.Delete(q.condemned, 0, n)
		policy := q.set.Redrive
		q.mu.Unlock()
		if n == 0 {
			return nil
		}
		if err := q.banishAll(ctx, batch, policy); err != nil {
			return err
		}
	}
}

func (q *queue) banishAll(ctx context.Context, batch []*entry, policy *Redrive) error {
	if policy == nil { // taken back meanwhile
		q.release(batch, false)
		return nil
	}
	to, err := q.find(policy.Target)
	if err != nil { // gone meanwhile
		q.release(batch, false)
		return nil
	}
	m, err := q.pack(ctx, batch)
	if err != nil {
		return err
	}
	for i, e := range m.batch {
		d := &m.drafts[i]
		d.source, d.count = q.name.ARN(), d.count+e.count
		if d.first == 0 {
			d.first = e.first
		}
		if !q.name.FIFO() {
			d.sent = e.sent
		}
	}
	if err := m.to(ctx, to); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}
