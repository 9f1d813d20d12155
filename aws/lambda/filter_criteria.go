package lambda

// filters returns the patterns of filter criteria, nil when a request does not speak of them. A filter without a pattern
// has an empty one, which is none.
func filters(c *FilterCriteria) *[]string {
	if c == nil {
		return nil
	}
	patterns := make([]string, 0, len(c.Filters))
	for _, f := range c.Filters {
		pattern := ""
		assign(&pattern, f.Pattern)
		patterns = append(patterns, pattern)
	}
	return &patterns
}

// filterCriteria describes filters; there is no word of none.
func filterCriteria(patterns []string) *FilterCriteria {
	if len(patterns) == 0 {
		return nil
	}
	c := &FilterCriteria{Filters: make([]Filter, 0, len(patterns))}
	for i := range patterns {
		c.Filters = append(c.Filters, Filter{Pattern: &patterns[i]})
	}
	return c
}
