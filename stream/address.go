package stream

// IteratorStream returns the name of the stream that an iterator of the account reads, empty when it is none.
func (s *Service) IteratorStream(account, region, text string) string {
	it, ok := openIterator(s.sealer, account, region, text)
	if !ok {
		return ""
	}
	return it.name
}

// PageStream returns the name of the stream whose shards a token lists on, empty when it is none.
func (s *Service) PageStream(account, region, token string) string {
	var page shardPage
	if s.openPage("shards", account, region, token, &page) != nil {
		return ""
	}
	return page.Stream
}
