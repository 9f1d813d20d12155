package function

import "context"

// MinUnreserved is how much of an account's concurrency cannot be reserved.
const MinUnreserved = 100

// PutConcurrency reserves concurrency for a function, and bounds it: 0 stops the function. The error is a
// *NotFoundError, ErrUnreserved, a *BelowProvisionedError, or a failure of the store.
func (s *Service) PutConcurrency(ctx context.Context, name Name, n int) error {
	return s.reserve(ctx, name, &n)
}

// DeleteConcurrency takes a function's reservation away, or returns a *NotFoundError. One that is not there is no error.
func (s *Service) DeleteConcurrency(ctx context.Context, name Name) error {
	return s.reserve(ctx, name, nil)
}

// reserve changes one reservation of an account at a time, since it is judged by all of them.
func (s *Service) reserve(ctx context.Context, name Name, n *int) error {
	if _, err := s.lookup(name); err != nil {
		return err
	}
	unlock, err := s.reserving.lock(ctx, scope{name.Account, name.Region})
	if err != nil {
		return err
	}
	defer unlock()
	return s.changeRecord(ctx, name, func(e *entry) error {
		if n != nil && s.Unreserved(name.Account, name.Region)+e.claim()-*n < MinUnreserved {
			return ErrUnreserved
		}
		if provisioned := e.provisionedSum(); n != nil && *n < provisioned {
			return &BelowProvisionedError{Reserved: *n, Provisioned: provisioned}
		}
		e.Reserved = n
		return nil
	})
}

// Concurrency returns how many invocations an account has in a region at one time.
func (s *Service) Concurrency() int { return s.pool.ledger.concurrency }

// Unreserved returns how much of an account's concurrency is neither reserved nor provisioned for any function.
func (s *Service) Unreserved(account, region string) int {
	return s.pool.unclaimed(scope{account, region})
}

// MaxCodeBytes bounds the code of all functions and versions of an account in a region.
const MaxCodeBytes = 80530636800

// Usage returns how many functions an account has in a region, and how many bytes of code: those of each function and
// of each version, and of layers, which AWS counts although they may share it.
func (s *Service) Usage(account, region string) (functions int, codeBytes int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for name, e := range s.entries {
		if name.Account != account || name.Region != region {
			continue
		}
		functions++
		codeBytes += e.Function.CodeSize
		for _, v := range e.versions {
			codeBytes += v.Function.CodeSize
		}
	}
	s.layers.mu.RLock()
	defer s.layers.mu.RUnlock()
	for name, e := range s.layers.names {
		if name.Account != account || name.Region != region {
			continue
		}
		for _, l := range e.versions {
			codeBytes += l.CodeSize
		}
	}
	return functions, codeBytes
}

// checkStorage reports ErrStorageExceeded when the account has no room for so many more bytes of code.
func (s *Service) checkStorage(name Name, more int64) error {
	if _, used := s.Usage(name.Account, name.Region); used+more > MaxCodeBytes {
		return ErrStorageExceeded
	}
	return nil
}
