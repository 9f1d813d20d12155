package identity

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/store"
)

// doubt has it found out what became of a write that ended with the error, at once if the store can tell, and otherwise before the
// next change: who was locked out, or let in, is that then. The caller holds the gate.
func (s *Service) doubt(ctx context.Context, err error) {
	if store.InDoubt(err) {
		s.doubts.Add("identities", s.reload)
		_ = s.doubts.SettleAll(context.WithoutCancel(ctx), "") // its error is that of the next change
	}
}

// reload brings memory in line with what the store has. The caller holds the gate.
func (s *Service) reload(ctx context.Context) error {
	stored := &Service{
		entities: s.entities, policies: s.policies, keys: s.keys,
		known: map[Name]*Entity{}, knownPolicies: map[string]*Policy{}, knownKeys: map[string]*accessKey{},
	}
	if err := stored.load(ctx); err != nil {
		return fmt.Errorf("read identities again: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, k := range stored.knownKeys {
		if old := s.knownKeys[id]; old != nil {
			k.used = old.used
		}
	}
	s.known, s.knownPolicies, s.knownKeys = stored.known, stored.knownPolicies, stored.knownKeys
	return nil
}
