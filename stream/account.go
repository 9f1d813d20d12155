package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/store"
)

// minCommitment is for how long a commitment that was made cannot be ended.
const minCommitment = 24 * time.Hour

// CommitmentStatus is where an account's commitment to a minimum of throughput is in its life. The values are AWS's.
type CommitmentStatus string

// The states of a commitment.
const (
	CommitmentOn     CommitmentStatus = "ENABLED"
	CommitmentOff    CommitmentStatus = "DISABLED"
	CommitmentEnding CommitmentStatus = "ENABLED_UNTIL_EARLIEST_ALLOWED_END"
)

// Commitment is what an account has promised to use, and to pay, in a region. Nothing is paid here: it opens the
// settings that AWS keeps for accounts that have one.
type Commitment struct {
	Status CommitmentStatus
	// Started is zero when there never was a commitment, Ended while it has not ended.
	Started, Ended time.Time
	// EarliestEnd is before when it does not end; zero once it has ended.
	EarliestEnd time.Time
}

// commitmentDocument is a commitment in the store. Its JSON form is part of the store's format.
type commitmentDocument struct {
	Started time.Time `json:"started"`
	// Ended is when it ends, in the future too; zero for a commitment of which nobody wants the end.
	Ended time.Time `json:"ended,omitzero"`
}

// at says how a commitment stands at a time.
func (d commitmentDocument) at(now time.Time) Commitment {
	earliest := d.Started.Add(minCommitment)
	switch {
	case d.Started.IsZero():
		return Commitment{Status: CommitmentOff}
	case d.Ended.IsZero():
		return Commitment{Status: CommitmentOn, Started: d.Started, EarliestEnd: earliest}
	case now.Before(d.Ended):
		return Commitment{Status: CommitmentEnding, Started: d.Started, EarliestEnd: earliest}
	}
	return Commitment{Status: CommitmentOff, Started: d.Started, Ended: d.Ended}
}

// Commitment returns the account's commitment in a region.
func (s *Service) Commitment(ctx context.Context, account, region string) (Commitment, error) {
	d, err := s.catalog.commitment(ctx, account, region)
	return d.at(s.clock.Now()), err
}

// Committed reports whether the account has a commitment in a region.
func (s *Service) Committed(ctx context.Context, account, region string) (bool, error) {
	c, err := s.Commitment(ctx, account, region)
	return c.Status != CommitmentOff, err
}

// Commit begins a commitment or, with on false, ends it: at once, or as soon as it has lasted for a day. It returns how
// the commitment stands then.
func (s *Service) Commit(ctx context.Context, account, region string, on bool) (Commitment, error) {
	if err := s.takeControl(ctx); err != nil {
		return Commitment{}, err
	}
	defer s.leaveControl()
	d, err := s.catalog.commitment(ctx, account, region)
	if err != nil {
		return Commitment{}, err
	}
	now := s.clock.Now().UTC()
	switch status := d.at(now).Status; {
	case on && status == CommitmentOff:
		d = commitmentDocument{Started: now}
	case on && status == CommitmentEnding:
		d.Ended = time.Time{}
	case !on && status == CommitmentOn:
		d.Ended = later(now, d.Started.Add(minCommitment))
	default:
		return d.at(now), nil
	}
	if err := s.catalog.accounts.Put(context.WithoutCancel(ctx), store.Key(account, region), d, 0); err != nil {
		return Commitment{}, fmt.Errorf("change commitment of %s in %s: %w", account, region, err)
	}
	return d.at(now), nil
}

// commitment returns what is stored of an account's commitment: the zero value when there never was one.
func (c catalog) commitment(ctx context.Context, account, region string) (commitmentDocument, error) {
	d, _, err := c.accounts.Get(ctx, store.Key(account, region))
	if errors.Is(err, store.ErrNotFound) {
		return commitmentDocument{}, nil
	}
	return d, err
}

// Usage is how much an account has in a region of what is limited.
type Usage struct {
	OpenShards, ShardLimit         int // of provisioned streams; the limit is one of all
	OnDemandStreams, OnDemandLimit int
}

// Usage returns how much the account has.
func (s *Service) Usage(_ context.Context, account, region string) (Usage, error) {
	u := Usage{ShardLimit: s.limit, OnDemandLimit: maxOnDemand}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for name, l := range s.byName {
		switch {
		case name.Account != account || name.Region != region:
		case l.stream.Mode == ModeOnDemand:
			u.OnDemandStreams++
		default:
			u.OpenShards += l.stream.OpenShards()
		}
	}
	return u, nil
}
