package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/store"
)

// consumerTable is what the store's tables hold of the consumers, by account, region, stream and name.
type consumerTable struct {
	tables    store.Tables
	consumers store.Collection[consumerDocument]
}

// consumerDocument is a consumer in the store. Its JSON form is part of the store's format.
type consumerDocument struct {
	Stream  uint64    `json:"stream"` // the number of the stream's incarnation
	Status  Status    `json:"status"`
	Since   time.Time `json:"since"`
	Created int64     `json:"created"` // seconds since 1970
}

func newConsumerTable(t store.Tables) consumerTable {
	return consumerTable{tables: t, consumers: store.NewCollection[consumerDocument](t, "stream-consumers")}
}

func consumerKey(c *Consumer) string {
	return store.Key(c.Stream.Account, c.Stream.Region, c.Stream.Name, c.Name)
}

// load hands over the consumers there are.
func (t consumerTable) load(ctx context.Context, take func(*registration)) error {
	for item, err := range t.consumers.Scan(ctx, "") {
		if err != nil {
			return err
		}
		parts := store.SplitKey(item.Key)
		if len(parts) != 4 {
			return fmt.Errorf("%w: consumer under key %q", store.ErrCorrupt, item.Key)
		}
		take(item.Value.registration(Name{parts[0], parts[1], parts[2]}, parts[3]))
	}
	return nil
}

// get returns one consumer, or store.ErrNotFound.
func (t consumerTable) get(ctx context.Context, c *Consumer) (*registration, error) {
	d, _, err := t.consumers.Get(ctx, consumerKey(c))
	if err != nil {
		return nil, err
	}
	return d.registration(c.Stream, c.Name), nil
}

// put stores a consumer, and whatever else belongs to it.
func (t consumerTable) put(ctx context.Context, r *registration, more ...store.Write) error {
	w, err := t.write(r)
	if err != nil {
		return err
	}
	return t.tables.Commit(ctx, append(more, w)...)
}

func (t consumerTable) write(r *registration) (store.Write, error) {
	return t.consumers.Write(consumerKey(&r.consumer), consumerDocument{
		Stream: r.number, Status: r.consumer.Status, Since: r.since.UTC(), Created: r.consumer.Created.Unix(),
	}, 0)
}

func (t consumerTable) remove(r *registration) store.Write {
	return t.consumers.Remove(consumerKey(&r.consumer), 0)
}

func (d consumerDocument) registration(stream Name, name string) *registration {
	return &registration{
		number: d.Stream, since: d.Since, seats: new(seats),
		consumer: Consumer{Stream: stream, Name: name, Status: d.Status, Created: time.Unix(d.Created, 0).UTC()},
	}
}
