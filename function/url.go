package function

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/store"
)

// URLConfig is the URL of a function or of an alias. It is a value that nobody changes. Its JSON form is part of the store's
// format.
type URLConfig struct {
	// About is the function, without a qualifier, or an alias.
	About Ref
	// ID is the name of the URL's host, which no other URL has.
	ID string
	// IAM says that callers have to sign; otherwise anybody may call.
	IAM bool
	// Stream says that the response goes on as it comes. It is nil when it was never said, which means that it does not.
	Stream  *bool `json:",omitempty"`
	Cors    *Cors `json:",omitempty"`
	Created time.Time
	// LastModified is when it was changed, or made.
	LastModified time.Time
}

// Cors says which pages of other origins browsers let call a URL. What is nil was not given.
type Cors struct {
	AllowCredentials                                        *bool    `json:",omitempty"`
	AllowHeaders, AllowMethods, AllowOrigins, ExposeHeaders []string `json:",omitempty"`
	MaxAge                                                  *int     `json:",omitempty"` // seconds
}

// given is what pages may do, nil if nothing was said of it.
func (c *Cors) given() *Cors {
	if c == nil || c.AllowCredentials == nil && c.MaxAge == nil && len(c.AllowHeaders)+len(c.AllowMethods)+len(c.AllowOrigins)+len(c.ExposeHeaders) == 0 {
		return nil
	}
	return c
}

// URLUpdate is a change of a URL. What is nil stays as it is.
type URLUpdate struct {
	IAM, Stream *bool
	Cors        *Cors // replaces all of it; an empty one takes it away
}

// urlTarget looks up what a URL is for: the function itself, or an alias. The error is a *NotFoundError.
func (s *Service) urlTarget(about Ref) (*entry, error) {
	e, err := s.lookup(about.Name)
	if err != nil {
		return nil, err
	}
	if _, there := e.aliases[about.Qualifier]; about.Qualifier != "" && !there {
		return nil, &NotFoundError{ARN: about.ARN()}
	}
	return e, nil
}

// CreateURL gives a function or an alias a URL; its id and times are the room's. The error is a *NotFoundError, ErrURLExists, or
// a failure of the store.
func (s *Service) CreateURL(ctx context.Context, c URLConfig) (URLConfig, error) {
	old, unlock, err := s.changeFound(ctx, c.About, s.urlTarget)
	if err != nil {
		return URLConfig{}, err
	}
	defer unlock()
	if _, exists := old.urls[c.About.Qualifier]; exists {
		return URLConfig{}, ErrURLExists
	}
	c.ID, c.Created, c.Cors = urlID(), s.clock.Now(), c.Cors.given()
	c.LastModified = c.Created
	return c, s.putURL(ctx, old, c)
}

// urlID makes a name for a host, in AWS's form.
func urlID() string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	var id [32]byte
	_, _ = rand.Read(id[:]) // never fails
	for i := range id {
		id[i] = letters[id[i]%32]
	}
	return string(id[:])
}

func (s *Service) putURL(ctx context.Context, old *entry, c URLConfig) error {
	write, err := s.urlConfigs.Write(key(c.About.Name, c.About.Qualifier), c, 0)
	if err != nil {
		return err
	}
	next := *old
	next.urls = with(old.urls, c.About.Qualifier, c)
	if err := s.commit(ctx, old, &next, nil, write); err != nil {
		return fmt.Errorf("store url of %s: %w", c.About.ARN(), err)
	}
	return nil
}

// URL returns the URL of a function or an alias, or ErrNoURL.
func (s *Service) URL(_ context.Context, about Ref) (URLConfig, error) {
	if e, err := s.lookup(about.Name); err == nil {
		if c, there := e.urls[about.Qualifier]; there {
			return c, nil
		}
	}
	return URLConfig{}, ErrNoURL
}

// UpdateURL changes a URL. The error is a *NotFoundError of the function or the alias, ErrNoURL, or a failure of the store.
func (s *Service) UpdateURL(ctx context.Context, about Ref, u URLUpdate) (URLConfig, error) {
	old, unlock, err := s.changeFound(ctx, about, s.urlTarget)
	if err != nil {
		return URLConfig{}, err
	}
	defer unlock()
	c, there := old.urls[about.Qualifier]
	if !there {
		return URLConfig{}, ErrNoURL
	}
	set(&c.IAM, u.IAM)
	if u.Stream != nil {
		c.Stream = u.Stream
	}
	if u.Cors != nil {
		c.Cors = u.Cors.given()
	}
	c.LastModified = s.clock.Now()
	return c, s.putURL(ctx, old, c)
}

// DeleteURL takes the URL of a function or an alias away. The error is ErrNoURL, or a failure of the store.
func (s *Service) DeleteURL(ctx context.Context, about Ref) error {
	unlock, err := s.change(ctx, about.Name)
	if err != nil {
		return err
	}
	defer unlock()
	old, err := s.lookup(about.Name)
	if err != nil {
		return ErrNoURL
	}
	if _, there := old.urls[about.Qualifier]; !there {
		return ErrNoURL
	}
	next := *old
	next.urls = without(old.urls, about.Qualifier)
	if err := s.commit(ctx, old, &next, nil, s.urlConfigs.Remove(key(about.Name, about.Qualifier), 0)); err != nil {
		return fmt.Errorf("delete url of %s: %w", about.ARN(), err)
	}
	return nil
}

// URLs lists up to limit URLs of a function, its own first and then those of aliases, after the id of one; "" means from the
// first. The error is a *NotFoundError.
func (s *Service) URLs(_ context.Context, name Name, after string, limit int) (list []URLConfig, more bool, err error) {
	e, err := s.lookup(name)
	if err != nil {
		return nil, false, err
	}
	list = slices.SortedFunc(maps.Values(e.urls), func(a, b URLConfig) int { return strings.Compare(a.About.Qualifier, b.About.Qualifier) })
	if i := slices.IndexFunc(list, func(c URLConfig) bool { return c.ID == after }); i >= 0 {
		list = list[i+1:]
	}
	if len(list) > limit {
		return list[:limit:limit], true, nil
	}
	return list, false, nil
}

// URLByID returns the URL whose host has the name, or ErrNoURL.
func (s *Service) URLByID(id string) (URLConfig, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	about, there := s.urlIDs[id]
	if !there {
		return URLConfig{}, ErrNoURL
	}
	return s.entries[about.Name].urls[about.Qualifier], nil
}

// indexURLs makes the ids those of the next entry of a function instead of the former one's; the caller holds the mutex.
func (s *Service) indexURLs(old, next *entry) {
	if old != nil {
		for _, c := range old.urls {
			delete(s.urlIDs, c.ID)
		}
	}
	if next != nil {
		for _, c := range next.urls {
			s.urlIDs[c.ID] = c.About
		}
	}
}

// loadURLs reads all URLs into the entries of their functions.
func (s *Service) loadURLs(ctx context.Context) error {
	for item, err := range s.urlConfigs.Scan(ctx, "") {
		if err != nil {
			return err
		}
		c := item.Value
		e := s.entries[c.About.Name]
		if e == nil {
			return fmt.Errorf("url of %s has no function: %w", c.About.ARN(), store.ErrCorrupt)
		}
		e.urls = with(e.urls, c.About.Qualifier, c)
		s.urlIDs[c.ID] = c.About
	}
	return nil
}
