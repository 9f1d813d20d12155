package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/millrace/millrace/store"
)

// Resource is what tags and a policy can be attached to: a stream or, where Consumer has a name, a consumer of it.
type Resource struct {
	Stream   Name
	Consumer ConsumerID
}

// ARN returns the resource's Amazon Resource Name.
func (r Resource) ARN() string {
	if r.ofStream() {
		return r.Stream.ARN()
	}
	return r.Consumer.String()
}

// String returns the ARN, for logs and errors.
func (r Resource) String() string { return r.ARN() }

func (r Resource) ofStream() bool { return r.Consumer.Name == "" }

// ParseResource reads the ARN of a stream or of a consumer. That of anything else is an error.
func ParseResource(s string) (Resource, error) {
	if name, err := ParseARN(s); err == nil {
		return Resource{Stream: name}, nil
	}
	id, err := ParseConsumerARN(s)
	if err != nil {
		return Resource{}, fmt.Errorf("%q is the ARN of neither a stream nor a consumer", s)
	}
	return ofConsumer(id), nil
}

func ofConsumer(id ConsumerID) Resource { return Resource{Stream: id.Stream, Consumer: id} }

// resourceDocument is what is attached to a resource, in the store. Its JSON form is part of the store's format. A
// resource without any of it has no document.
type resourceDocument struct {
	Tags   map[string]string `json:"tags,omitempty"`
	Policy string            `json:"policy,omitempty"`
}

// resourceKey is where a resource's document lies: those of a stream and of its consumers have the stream's prefix, so
// that they go together.
func resourceKey(r Resource) string {
	consumer := ""
	if !r.ofStream() {
		consumer = r.Consumer.Name + ":" + strconv.FormatInt(r.Consumer.Created, 10)
	}
	return store.Key(r.Stream.Account, r.Stream.Region, r.Stream.Name, consumer)
}

// present returns nil when there is such a resource.
func (s *Service) present(r Resource) error {
	if !r.ofStream() {
		_, _, err := s.consumer(r.Consumer)
		return err
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

// leaving returns why nothing can be attached to a resource any more: it is being deleted.
func (s *Service) leaving(r Resource) error {
	if l, ok := s.find(r.Stream); ok && l.stream.Status == StatusDeleting {
		return &StateError{Name: r.Stream, Status: StatusDeleting}
	}
	if r.ofStream() {
		return nil
	}
	if _, registered, err := s.consumer(r.Consumer); err != nil || registered.consumer.Status == StatusDeleting {
		return &ConsumerNotFoundError{r.Consumer}
	}
	return nil
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
	if err := s.leaving(r); err != nil {
		return err
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
