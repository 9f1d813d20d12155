package logs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/logs"
)

// taker takes events, unless it is told to fail.
type taker struct {
	fail bool
	got  []string
}

func (k *taker) Take(_ context.Context, n logs.Name, events []logs.Printed) error {
	if k.fail {
		return errors.New("nobody there")
	}
	for _, e := range events {
		k.got = append(k.got, n.Group+" "+e.Stream+" "+e.Text)
	}
	return nil
}

// What is printed goes elsewhere, and what is not taken there is counted, and told of when something is taken again.
func TestElsewhere(t *testing.T) {
	there := &taker{}
	synctest.Test(t, func(t *testing.T) {
		r := open(t, func(c *logs.Config) { c.Elsewhere = there })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		stream := r.Writer().Stream(orders, "s")
		print := func(text string) {
			stream.WriteLine(r.clock.Now(), []byte(text))
			pass(time.Second)
			synctest.Wait()
		}
		print("one")
		there.fail = true
		print("two")
		there.fail = false
		print("three")
		cancel()
		r.check(<-done)
		if len(there.got) != 3 || there.got[0] != "orders s one\n" || r.Writer().Dropped() != 1 {
			t.Errorf("%q, %d dropped", there.got, r.Writer().Dropped())
		}
		if _, err := r.Group(t.Context(), orders); !errors.Is(err, logs.ErrGroupNotFound) {
			t.Error(fmt.Sprint("the room has a group: ", err))
		}
	})
}

// deaf is a place that does not answer.
type deaf struct{}

func (deaf) Take(ctx context.Context, _ logs.Name, _ []logs.Printed) error {
	<-ctx.Done()
	return ctx.Err()
}

// A place that does not answer does not keep the room from stopping, however many groups there are.
func TestStopBesideADeafPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, func(c *logs.Config) { c.Elsewhere = deaf{} })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		for n := range 10 {
			group := orders
			group.Group = fmt.Sprint("g", n)
			r.Writer().Stream(group, "s").WriteLine(r.clock.Now(), []byte("x"))
		}
		synctest.Wait()
		begun := time.Now()
		cancel()
		r.check(<-done)
		if took := time.Since(begun); took > 6*time.Second {
			t.Errorf("stopping took %s", took)
		}
		if dropped := r.Writer().Dropped(); dropped != 10 {
			t.Errorf("%d dropped", dropped)
		}
	})
}
