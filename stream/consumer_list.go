package stream

import (
	"context"
	"time"
)

// consumerPage is what the token of a further page of consumers holds.
type consumerPage struct {
	Stream string `json:"stream"`
	Number uint64 `json:"number"`
	After  string `json:"after"`
}

// ListConsumers returns the consumers of a stream in order of their names, at most limit, and a token for the rest when
// there are more. The empty token asks for the first page. created, if not zero, is when the stream must have been
// created.
//
// Errors: NotFoundError, ErrPageToken (also for a token of another stream), ErrExpiredPageToken.
func (s *Service) ListConsumers(_ context.Context, name Name, created time.Time, token string, limit int) ([]Consumer, string, error) {
	var page consumerPage
	if token != "" {
		if err := s.openPage("consumers", name.Account, name.Region, token, &page); err != nil {
			return nil, "", err
		}
		if page.Stream != name.Name {
			return nil, "", ErrPageToken
		}
	}
	l, ok := s.find(name)
	if !ok || !created.IsZero() && !created.Equal(l.stream.Created) || token != "" && page.Number != l.stream.Number {
		return nil, "", &NotFoundError{name}
	}
	var found []Consumer
	for _, r := range s.roster.of(l.stream.Number) {
		if r.consumer.Name > page.After {
			found = append(found, r.snapshot(&l.stream))
		}
	}
	if limit = max(limit, 1); len(found) <= limit {
		return found, "", nil
	}
	next := consumerPage{Stream: name.Name, Number: l.stream.Number, After: found[limit-1].Name}
	more, err := s.sealPage("consumers", name.Account, name.Region, next)
	return found[:limit:limit], more, err
}
