package bucket

import (
	"context"
	"fmt"
	"strings"

	"github.com/millrace/millrace/store"
)

// Query says what of a bucket is to be listed.
type Query struct {
	// Prefix is what the keys begin with.
	Prefix string
	// Delimiter, when not empty, lets keys that have it behind the prefix appear as what they have up to it, once.
	Delimiter string
	// After is the key behind which to begin. One that ends with the delimiter and was listed as a common prefix lets
	// all keys below it be passed over.
	After string
	// Limit is the most objects and common prefixes together.
	Limit int
}

// Page is a part of a list.
type Page struct {
	Objects  []Object
	Prefixes []string
	// Last is the last that was listed, an object's key or a common prefix: the After of the next page. More says
	// whether there is one.
	Last string
	More bool
}

// Objects lists objects in the bytewise order of their keys. Errors: ErrBucketNotFound, ErrForbidden.
func (s *Service) Objects(ctx context.Context, account, bucket string, q Query) (Page, error) {
	e, err := s.find(account, bucket)
	if err != nil {
		return Page{}, err
	}
	var p Page
	if q.Limit <= 0 {
		return p, nil
	}
	from := max(q.Prefix, q.After)
	if q.After != "" && from == q.After {
		from = q.After + "\x00"
		if q.common(q.After) == q.After {
			from = store.PrefixEnd(q.After)
		}
	}
	for from != "" || q.After == "" {
		next, err := s.listFrom(ctx, e, q, from, &p)
		if err != nil || next == "" {
			return p, err
		}
		from = next
	}
	return p, nil
}

// listFrom lists on from a key, up to the end of the page, or to the first key of a common prefix, behind which the
// caller goes on.
func (s *Service) listFrom(ctx context.Context, e *entry, q Query, from string, p *Page) (next string, err error) {
	base := len(e.key(""))
	for item, err := range s.objects.Range(ctx, e.key(from), store.PrefixEnd(e.key(q.Prefix))) {
		if err != nil {
			return "", fmt.Errorf("list %s: %w", e.Name, err)
		}
		if len(p.Objects)+len(p.Prefixes) == q.Limit {
			p.More = true
			return "", nil
		}
		key := item.Key[base:]
		if common := q.common(key); common != "" {
			p.Prefixes, p.Last = append(p.Prefixes, common), common
			return store.PrefixEnd(common), nil
		}
		p.Objects, p.Last = append(p.Objects, item.Value.object(key)), key
	}
	return "", nil
}

// common is the common prefix that a key belongs to, or empty.
func (q *Query) common(key string) string {
	if q.Delimiter == "" || !strings.HasPrefix(key, q.Prefix) {
		return ""
	}
	before, _, found := strings.Cut(key[len(q.Prefix):], q.Delimiter)
	if !found {
		return ""
	}
	return q.Prefix + before + q.Delimiter
}
