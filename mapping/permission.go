package mapping

import (
	"context"
	"errors"

	"github.com/millrace/millrace/function"
)

// Permission knows what the role of a function may do in its name.
type Permission interface {
	// MayRead returns nil when the role may read the event source, which is a stream or a consumer of one.
	MayRead(role, source string, consumer bool) error
	// MaySend returns nil when the role may send documents to the destination.
	MaySend(role, destination string) error
}

// ErrDestinationDenied says, inside a *DestinationError, that the function's role may not send to the destination.
var ErrDestinationDenied = errors.New("role may not send to the destination")

// mayRead reports whether a function's role may read a source. Without Permission every role may.
func (s *Service) mayRead(ctx context.Context, ref function.Ref, r *row) error {
	if s.config.Permission == nil {
		return nil
	}
	f, err := s.config.Invoker.Find(ctx, ref)
	if err != nil {
		return nil // a function that is not there has no role; the lanes find that out
	}
	_, consumer := r.consumer()
	if s.config.Permission.MayRead(f.Role, r.SourceARN, consumer) != nil {
		return &SourceDeniedError{ARN: r.SourceARN, Consumer: consumer}
	}
	return nil
}

// maySend does the same for a destination.
func (s *Service) maySend(ctx context.Context, ref function.Ref, destination string) error {
	if s.config.Permission == nil || destination == "" {
		return nil
	}
	f, err := s.config.Invoker.Find(ctx, ref)
	if err != nil {
		return nil // as above: Send says what is to be said
	}
	if s.config.Permission.MaySend(f.Role, destination) != nil {
		return &DestinationError{ARN: destination, Err: ErrDestinationDenied}
	}
	return nil
}
