package mapping

// All returns the mappings of all accounts and regions, in no order.
func (s *Service) All() []Mapping {
	now := s.Clock.Now()
	var found []Mapping
	for _, e := range s.all() {
		if m := e.snapshot(now); m.State != gone {
			found = append(found, m)
		}
	}
	return found
}
