package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/millrace/millrace/store"
)

// Resource is what tags and a policy can be attached to: a stream or, where Consumer is set, a consumer of it.
type Resource struct {
	Stream   Name
	Consumer string // the consumer's name, a colon, and when it was registered, as its ARN has them
}

// ARN returns the resource's Amazon Resource Name.
func (r Resource) ARN() string {
	if r.Consumer == "" {
		return r.Stream.ARN()
	}
	return r.Stream.ARN() + consumerPart + r.Consumer
}

// String returns the ARN, for logs and errors.
func (r Resource) String() string { return r.ARN() }

const consumerPart = "/consumer/"

// ParseResource reads the ARN of a stream or of a consumer. That of anything else is an error.
func ParseResource(s string) (Resource, error) {
	text, consumer, ok := strings.Cut(s, consumerPart)
	name, err := ParseARN(text)
	if err != nil {
		return Resource{}, err
	}
	called, registered, _ := strings.Cut(consumer, ":")
	if ok && (!validName(called) || !allDigits(registered)) {
		return Resource{}, fmt.Errorf("%q is not the ARN of a consumer", s)
	}
	return Resource{Stream: name, Consumer: consumer}, nil
}

// resourceDocument is what is attached to a resource, in the store. Its JSON form is part of the store's format. A
// resource without any of it has no document.
type resourceDocument struct {
	Tags   map[string]string `json:"tags,omitempty"`
	Policy string            `json:"policy,omitempty"`
}

// resourceKey is where a resource's document lies: those of a stream and of its consumers have the stream's prefix, so
// that they go together.
func resourceKey(r Resource) string {
	return store.Key(r.Stream.Account, r.Stream.Region, r.Stream.Name, r.Consumer)
}

// present returns nil when there is such a resource.
func (s *Service) present(r Resource) error {
	if r.Consumer != "" {
		return &ResourceNotFoundError{r}
	}
	if _, ok := s.find(r.Stream); !ok {
		return &NotFoundError{r.Stream}
	}
	return nil
}

// attached returns what is attached to a resource.
func (s *Service) attached(ctx context.Context, r Resource) (resourceDocument, error) {
	if err := s.present(r); err != nil {
		return resourceDocument{}, err
	}
	return s.catalog.attached(ctx, r)
}

// attach changes what is attached to a resource: it returns when that is durable. f is called when the resource is
// known to be there and cannot go; when it returns an error nothing happens.
func (s *Service) attach(ctx context.Context, r Resource, f func(d *resourceDocument) error) error {
	if err := s.takeControl(ctx); err != nil {
		return err
	}
	defer s.leaveControl()
	d, err := s.attached(ctx, r)
	if err != nil {
		return err
	}
	if l, ok := s.find(r.Stream); ok && l.stream.Status == StatusDeleting {
		return &StateError{Name: r.Stream, Status: StatusDeleting}
	}
	if err := f(&d); err != nil {
		return err
	}
	if err := s.catalog.attach(context.WithoutCancel(ctx), r, d); err != nil {
		return fmt.Errorf("change what is attached to %s: %w", r, err)
	}
	return nil
}

// attached returns a resource's document, which is empty when there is none.
func (c catalog) attached(ctx context.Context, r Resource) (resourceDocument, error) {
	d, _, err := c.resources.Get(ctx, resourceKey(r))
	if errors.Is(err, store.ErrNotFound) {
		return resourceDocument{}, nil
	}
	return d, err
}

// attach stores a resource's document, or removes it when it is empty.
func (c catalog) attach(ctx context.Context, r Resource, d resourceDocument) error {
	if len(d.Tags) == 0 && d.Policy == "" {
		return c.resources.Delete(ctx, resourceKey(r))
	}
	return c.resources.Put(ctx, resourceKey(r), d, 0)
}

// detach returns the changes that remove what is attached to a stream and to its consumers.
func (c catalog) detach(ctx context.Context, name Name) ([]store.Write, error) {
	var changes []store.Write
	for item, err := range c.resources.Scan(ctx, resourceKey(Resource{Stream: name})) {
		if err != nil {
			return nil, err
		}
		changes = append(changes, c.resources.Remove(item.Key, 0))
	}
	return changes, nil
}
