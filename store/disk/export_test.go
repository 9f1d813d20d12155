package disk

// Eager returns options under which the engine compacts and rewrites its files whenever that is possible, so that tests
// meet in a moment what takes days otherwise.
func (o Options) Eager() Options {
	o.eager = true
	return o
}

// Rest returns when nothing is under way any more: a write that was answered with a failure may yet turn out to have happened.
func (s *Store) Rest() { s.workers.Wait() }

// UnderWay returns the bytes that count as taken in and not durable yet.
func (s *Store) UnderWay() int64 {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return s.gate.inside
}
