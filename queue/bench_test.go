package queue_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/store/disk"
)

// BenchmarkCycle sends, receives and deletes 1 KiB messages, durably, in a store on disk: one or ten a call, by 2 and by
// 64 clients on two processors, through a standard and a FIFO queue, there with a message group a client. Every operation
// is one message's whole life.
func BenchmarkCycle(b *testing.B) {
	for _, name := range []queue.Name{orders, line} {
		for _, batch := range []int{1, 10} {
			for _, clients := range []int{2, 64} {
				b.Run(fmt.Sprintf("queue=%s/batch=%d/clients=%d", name.Name, batch, clients), func(b *testing.B) {
					benchCycle(b, name, batch, clients)
				})
			}
		}
	}
}

func benchCycle(b *testing.B, name queue.Name, batch, clients int) {
	r := benchRoom(b)
	r.name = name
	if name.FIFO() {
		r.create(name, map[string]string{"FifoQueue": "true"})
	}
	var next atomic.Int64
	b.SetParallelism(max(1, clients/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		group, body := fmt.Sprint("g", next.Add(1)), strings.Repeat("x", 1024)
		messages := make([]queue.Message, batch)
		for pb.Next() {
			for i := range messages {
				messages[i].Body = body
				if name.FIFO() {
					id := fmt.Sprint(next.Add(1))
					messages[i].Group, messages[i].DeduplicationID = &group, &id
				}
			}
			if err := cycle(r, messages); err != nil {
				b.Error(err)
				return
			}
			for range batch - 1 {
				pb.Next()
			}
		}
	})
}

func benchRoom(b *testing.B, edit ...func(*queue.Config)) *room {
	tables, err := disk.Open(disk.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	r := open(b, tables, edit...)
	b.Cleanup(func() {
		r.stop()
		tables.Close()
	})
	r.create(orders, nil)
	return r
}

// cycle sends messages, receives as many of the queue's and deletes those.
func cycle(r *room, messages []queue.Message) error {
	if _, err := r.Send(background, r.name, messages...); err != nil {
		return err
	}
	got, err := r.Receive(background, r.name, queue.ReceiveOptions{Max: len(messages)})
	if err != nil || len(got) == 0 {
		return err
	}
	handles := make([]string, len(got))
	for i, m := range got {
		handles[i] = m.Handle
	}
	refused, err := r.DeleteMessages(background, r.name, handles...)
	return errors.Join(append(refused, err)...)
}

// BenchmarkReceive drains a backlog, ten messages a call.
func BenchmarkReceive(b *testing.B) {
	r := benchRoom(b, func(c *queue.Config) { c.InFlight = b.N + 1000 })
	batch := make([]queue.Message, 10)
	for i := range batch {
		batch[i].Body = strings.Repeat("x", 1024)
	}
	for range b.N/10 + 1 {
		if _, err := r.Send(background, orders, batch...); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for n := 0; n < b.N; {
		got := r.receive(10)
		if len(got) == 0 {
			b.Fatalf("nothing after %d", n)
		}
		n += len(got)
	}
}
