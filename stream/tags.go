package stream

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
)

// MaxTags is how many tags a resource can have.
const MaxTags = 50

// reservedTag begins the keys that only AWS's own services set, however it is written.
const reservedTag = "aws:"

var (
	// ErrTagCharacters says that a tag has characters that none can have.
	ErrTagCharacters = errors.New("invalid characters in a tag")
	// ErrTagPercent says that a tag has a percent sign, which is judged apart from the other characters.
	ErrTagPercent = errors.New("percent sign in a tag")
	// ErrTagReserved says that a tag's key is one that only AWS's own services set.
	ErrTagReserved = errors.New("reserved key of a tag")
	// ErrTooManyTags says that a resource would have more than MaxTags tags.
	ErrTooManyTags = errors.New("too many tags")
)

// Tag is a word about a resource and its value.
type Tag struct{ Key, Value string }

// TagAlphabet says which characters tags may have: AWS's older operations know fewer than its newer ones.
type TagAlphabet string

// The alphabets, by the characters that they have beside letters, digits and the space.
const (
	StreamTags   TagAlphabet = "_./-=+@%"
	ResourceTags TagAlphabet = StreamTags + ":"
)

// checkTags judges the characters of keys and values: all of them, before a percent sign.
func checkTags(texts []string, alphabet TagAlphabet) error {
	for _, text := range texts {
		if strings.ContainsFunc(text, func(c rune) bool { return !alphabet.has(c) }) {
			return ErrTagCharacters
		}
	}
	if slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, "%") }) {
		return ErrTagPercent
	}
	return nil
}

func (a TagAlphabet) has(c rune) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == ' ':
		return true
	case c >= 0xC0 && c <= 0x1FFF, c >= 0x2C00 && c <= 0xD7FF:
		return true
	}
	return strings.ContainsRune(string(a), c)
}

// addTags returns the tags with others added, which take the place of those with the same keys.
func addTags(tags, more map[string]string, alphabet TagAlphabet) (map[string]string, error) {
	if err := checkTags(slices.Concat(slices.Collect(maps.Keys(more)), slices.Collect(maps.Values(more))), alphabet); err != nil {
		return nil, err
	}
	for key := range more {
		if strings.HasPrefix(strings.ToLower(key), reservedTag) {
			return nil, ErrTagReserved
		}
	}
	sum := maps.Clone(more)
	for key, value := range tags {
		if _, ok := more[key]; !ok {
			sum[key] = value
		}
	}
	if len(sum) > MaxTags {
		return nil, ErrTooManyTags
	}
	return sum, nil
}

// AddTags adds tags to a resource. One whose key is there takes its place.
//
// Errors: NotFoundError, ConsumerNotFoundError, StateError, ErrTagCharacters, ErrTagPercent, ErrTagReserved, ErrTooManyTags.
func (s *Service) AddTags(ctx context.Context, r Resource, tags map[string]string, alphabet TagAlphabet) error {
	return s.attach(ctx, r, func(d *resourceDocument) (err error) {
		d.Tags, err = addTags(d.Tags, tags, alphabet)
		return err
	})
}

// RemoveTags removes tags from a resource. Keys that are not there are no error.
//
// Errors: NotFoundError, ConsumerNotFoundError, StateError, ErrTagCharacters, ErrTagPercent.
func (s *Service) RemoveTags(ctx context.Context, r Resource, keys []string, alphabet TagAlphabet) error {
	return s.attach(ctx, r, func(d *resourceDocument) error {
		if err := checkTags(keys, alphabet); err != nil {
			return err
		}
		for _, key := range keys {
			delete(d.Tags, key)
		}
		return nil
	})
}

// Tags returns the tags of a resource in order of their keys.
//
// Errors: NotFoundError, ConsumerNotFoundError.
func (s *Service) Tags(ctx context.Context, r Resource) ([]Tag, error) {
	d, err := s.attached(ctx, r)
	if err != nil {
		return nil, err
	}
	tags := make([]Tag, 0, len(d.Tags))
	// AWS orders by UTF-16 code units, which for the characters that tags can have is the order of their bytes.
	for _, key := range slices.Sorted(maps.Keys(d.Tags)) {
		tags = append(tags, Tag{key, d.Tags[key]})
	}
	return tags, nil
}
