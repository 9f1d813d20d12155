package mapping

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// CreateInput is what a new mapping is made of.
type CreateInput struct {
	Account  string // of the caller; so is Region
	Region   string
	Source   stream.Name
	Consumer stream.ConsumerID // through whose subscriptions the stream is read; the zero value for its iterators
	Function function.Ref
	Start    stream.Start // TRIM_HORIZON, LATEST, or AT_TIMESTAMP with Timestamp
	Disabled bool
	Settings Settings
	Tags     map[string]string
}

// Create makes a mapping. The start LATEST is fixed at this moment for the shards there are, or, when the mapping is
// created disabled, as it is first enabled.
//
// Errors, in the order of their checks: *SettingError, ErrRecordAge, ErrTooManyFilters, *FilterError, ErrWindowFactor,
// ErrWindowFilters, *DestinationError, ErrTooManyTags, ErrStartMissing, ErrTimestampMissing, ErrTimestampUnused, ErrTimestampFuture,
// ErrFunctionNotFound, *SourceNotFoundError, *SourceDeniedError, *DestinationError of the destination itself,
// *ExistsError, ErrTooMany.
func (s *Service) Create(ctx context.Context, in CreateInput) (Mapping, error) {
	now := s.now()
	if err := in.check(now); err != nil {
		return Mapping{}, err
	}
	if err := s.checkFunction(ctx, in.Account, in.Region, in.Function); err != nil {
		return Mapping{}, err
	}
	source, err := s.checkSource(ctx, in.Account, in.Region, sourceARN(in.Source, in.Consumer))
	if err != nil {
		return Mapping{}, err
	}
	if err := s.mayRead(ctx, in.Function, &row{SourceARN: sourceARN(in.Source, in.Consumer)}); err != nil {
		return Mapping{}, err
	}
	if err := s.checkDestination(ctx, in.Region, in.Settings.OnFailure); err != nil {
		return Mapping{}, err
	}
	if err := s.maySend(ctx, in.Function, in.Settings.OnFailure); err != nil {
		return Mapping{}, err
	}
	r := row{
		UUID: uuid.NewString(), Account: in.Account, Region: in.Region,
		SourceARN: sourceARN(in.Source, in.Consumer), FunctionARN: in.Function.ARN(),
		Settings: in.Settings, StartType: in.Start.Type, Timestamp: in.Start.Timestamp,
		Begun: !in.Disabled, Phase: created(!in.Disabled, now, s.config.TransitionDelay), LastModified: now,
	}
	var begin []store.Write
	if r.Begun {
		if begin, err = s.begin(ctx, &r, source); err != nil {
			return Mapping{}, err
		}
	}
	if len(in.Tags) > 0 {
		tags, err := s.table.tags.Write(r.UUID, in.Tags, 0)
		if err != nil {
			return Mapping{}, err
		}
		begin = append(begin, tags)
	}
	if err := s.insert(ctx, r, begin); err != nil {
		return Mapping{}, err
	}
	m := r.mapping(Creating)
	m.LastProcessingResult = resultNone
	return m, nil
}

func (in *CreateInput) check(now time.Time) error {
	if err := in.Settings.check(); err != nil {
		return err
	}
	if len(in.Tags) > MaxTags {
		return ErrTooManyTags
	}
	switch in.Start.Type {
	case "":
		return ErrStartMissing
	case stream.AtTimestamp:
		if in.Start.Timestamp.IsZero() {
			return ErrTimestampMissing
		}
		if in.Start.Timestamp.After(now) {
			return ErrTimestampFuture
		}
	case stream.TrimHorizon, stream.Latest:
		if !in.Start.Timestamp.IsZero() {
			return ErrTimestampUnused
		}
	default:
		return fmt.Errorf("%w: %q is none", ErrStartMissing, in.Start.Type)
	}
	return nil
}

// checkFunction reports whether the function can be mapped to: the one that is there under its name, a version of it, or
// an alias. What an alias stands for is found out anew at every invocation.
func (s *Service) checkFunction(ctx context.Context, account, region string, ref function.Ref) error {
	if ref.Account != account || ref.Region != region {
		return ErrFunctionNotFound
	}
	_, err := s.config.Invoker.Find(ctx, ref)
	if errors.Is(err, function.ErrNotFound) {
		return ErrFunctionNotFound
	}
	return err
}

// checkSource returns the stream of the source if the account may read it. A stream of another account admits nobody
// yet. A consumer need not be ACTIVE.
func (s *Service) checkSource(ctx context.Context, account, region, arn string) (stream.Stream, error) {
	r := row{SourceARN: arn}
	_, consumer := r.consumer()
	switch name := r.source(); {
	case name.Region != region:
		return stream.Stream{}, &SourceNotFoundError{ARN: arn, Consumer: consumer}
	case name.Account != account:
		return stream.Stream{}, &SourceDeniedError{ARN: arn, Consumer: consumer}
	}
	st, err := s.describe(ctx, &r)
	var inactive *stream.ConsumerNotActiveError
	switch {
	case isNotFound(err):
		return st, &SourceNotFoundError{ARN: arn, Consumer: consumer}
	case errors.As(err, &inactive):
		return st, nil
	}
	return st, err
}

func (s *Service) checkDestination(ctx context.Context, region, name string) error {
	if name == "" {
		return nil
	}
	if a, err := arn.Parse(name); err != nil || !a.In(region) {
		return &DestinationError{ARN: name, Err: ErrDestinationInvalid}
	}
	if err := s.config.Destination.Check(ctx, name); err != nil {
		return &DestinationError{ARN: name, Err: err}
	}
	return nil
}

// begin turns the starting position into checkpoints of the shards that the stream has now. A shard that is without
// one when it is read was not there, and is read from its beginning.
func (s *Service) begin(ctx context.Context, r *row, source stream.Stream) ([]store.Write, error) {
	if r.StartType == stream.TrimHorizon {
		return nil, nil
	}
	points := newCheckpoints(s.config.Store, r.UUID, source.Number)
	writes := make([]store.Write, 0, len(source.Shards))
	for _, shard := range source.Shards {
		fact := checkpoint{Complete: r.StartType == stream.Latest && !shard.Open()}
		if !fact.Complete {
			at, err := s.config.Source.Seek(ctx, stream.ShardKey{Stream: source.Number, Index: shard.Index}, r.start())
			if errors.Is(err, stream.ErrGone) {
				_, consumer := r.consumer()
				return nil, &SourceNotFoundError{ARN: r.SourceARN, Consumer: consumer}
			}
			if err != nil {
				return nil, fmt.Errorf("begin at %s of %s: %w", shard.ID(), r.SourceARN, err)
			}
			fact.Position = at
		}
		w, err := points.write(shard.Index, wholeShard, fact)
		if err != nil {
			return nil, err
		}
		writes = append(writes, w)
	}
	return writes, nil
}

// claimTries bounds how often a new mapping claims its pair. Each time in vain another one has taken or left it.
const claimTries = 5

// insert stores a new mapping and lets it run, unless its source is mapped to its function already.
func (s *Service) insert(ctx context.Context, r row, also []store.Write) error {
	if s.count() >= s.config.MaxMappings {
		return ErrTooMany
	}
	if err := s.doubts.SettleAll(ctx, ""); err != nil { // one in doubt may be of the same pair
		return err
	}
	for range claimTries {
		switch err := s.insertOnce(ctx, r, also); {
		case errors.Is(err, store.ErrConflict): // the pair's holder has changed since it was looked at: it is removed, or another was faster
			continue
		case err != nil:
			return err
		}
		s.add(newEntry(r))
		return nil
	}
	return fmt.Errorf("store mapping %s: %w", r.UUID, store.ErrConflict)
}

// insertOnce stores a new mapping, or answers ErrConflict when the holder of its pair changes meanwhile.
func (s *Service) insertOnce(ctx context.Context, r row, also []store.Write) error {
	claim, err := s.claim(ctx, &r)
	if err != nil {
		return err
	}
	put, err := s.table.write(r, store.Absent)
	if err != nil {
		return err
	}
	err = s.config.Store.Commit(context.WithoutCancel(ctx), slices.Concat(also, put, []store.Write{claim})...)
	if err != nil && !errors.Is(err, store.ErrConflict) {
		s.doubt(r.UUID, err)
	}
	if err != nil {
		return fmt.Errorf("store mapping %s: %w", r.UUID, err)
	}
	return nil
}

// claim returns the change that makes the row's pair its own, or *ExistsError when it belongs to another mapping that
// is still there for clients.
func (s *Service) claim(ctx context.Context, r *row) (store.Write, error) {
	holder, revision, err := s.table.pairs.Get(ctx, r.pairKey())
	if errors.Is(err, store.ErrNotFound) {
		return s.table.pairs.Write(r.pairKey(), pair{UUID: r.UUID}, store.Absent)
	}
	if err != nil {
		return store.Write{}, fmt.Errorf("look for mappings of %s: %w", r.SourceARN, err)
	}
	there, err := s.isStored(ctx, holder.UUID)
	if err != nil {
		return store.Write{}, err
	}
	if there {
		return store.Write{}, &ExistsError{Source: r.SourceARN, Function: r.function().Name.Name, UUID: holder.UUID}
	}
	return s.table.pairs.Write(r.pairKey(), pair{UUID: r.UUID}, revision)
}

// isStored reports whether the store has the mapping, and it is not gone. Clients see it a moment later.
func (s *Service) isStored(ctx context.Context, uuid string) (bool, error) {
	r, _, err := s.table.rows.Get(ctx, uuid)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("load mapping %s: %w", uuid, err)
	}
	return r.Phase.at(s.config.Clock.Now()) != gone, nil
}

// isThere reports whether clients can see the mapping.
func (s *Service) isThere(uuid string) bool {
	s.mu.RLock()
	e := s.entries[uuid]
	s.mu.RUnlock()
	if e == nil {
		return false
	}
	r, _ := e.current()
	return r.Phase.at(s.config.Clock.Now()) != gone
}

func (s *Service) count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.entries)
}

// now returns the time as it is stored and shown: in UTC, to the millisecond.
func (s *Service) now() time.Time { return s.config.Clock.Now().UTC().Truncate(time.Millisecond) }

// isNotFound reports whether the error says that there is no such stream or consumer.
func isNotFound(err error) bool {
	var (
		notFound *stream.NotFoundError
		consumer *stream.ConsumerNotFoundError
	)
	return errors.As(err, &notFound) || errors.As(err, &consumer) || errors.Is(err, stream.ErrGone)
}
