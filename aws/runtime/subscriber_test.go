package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// take is a subscriber whose batches arrive on a channel, each as soon as the one before was taken.
func take(t *testing.T, limits buffering, fail *atomic.Bool) (s *subscriber, batches chan string) {
	ctx, cancel := context.WithCancel(t.Context())
	batches = make(chan string)
	s = &subscriber{
		api: currentAPI, name: "e", types: map[string]bool{"platform": true}, limits: limits, ctx: ctx, cancel: cancel, wake: make(chan struct{}, 1),
		send: func(ctx context.Context, events [][]byte) error {
			select {
			case batches <- string(bytes.Join(events, []byte(" "))):
				if fail.Load() {
					return errors.New("nobody there")
				}
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
	go s.run()
	t.Cleanup(cancel)
	return s, batches
}

// A batch goes when it is full, when its oldest has waited long enough, or when it is asked for.
func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, batches := take(t, buffering{MaxItems: 3, MaxBytes: 20, TimeoutMs: 1000}, new(atomic.Bool))
		begun := time.Now()
		expect := func(want string, after time.Duration) {
			t.Helper()
			if got := <-batches; got != want || time.Since(begun) != after {
				t.Errorf("%q after %v, want %q after %v", got, time.Since(begun), want, after)
			}
		}
		s.offer([]byte("a"))
		<-time.After(400 * time.Millisecond)
		s.offer([]byte("b"))
		expect("a b", time.Second)
		for _, text := range []string{"c", "d", "e"} {
			s.offer([]byte(text))
		}
		expect("c d e", time.Second)
		for _, text := range []string{"0123456789", "0123456789", "f"} {
			s.offer([]byte(text))
		}
		expect("0123456789 0123456789", time.Second)
		expect("f", 2*time.Second)
		large := strings.Repeat("x", 100)
		s.offer([]byte(large))
		expect(large, 2*time.Second)
		s.offer([]byte("g"))
		done := s.flush()
		expect("g", 2*time.Second)
		<-done
		s.cancel()
		synctest.Wait()
		<-s.flush()
	})
}

// Who reads too slowly loses what does not fit, and is told how much; who cannot be reached is not asked all the time.
func TestDroppedTelemetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fail atomic.Bool
		s, batches := take(t, buffering{MaxItems: 2, MaxBytes: 20, TimeoutMs: 1000}, &fail)
		for n := range 10 { // two are being sent, four wait, and four have no place
			s.offer(fmt.Append(nil, n))
			synctest.Wait()
		}
		var got []string
		for range 3 {
			got = append(got, <-batches)
		}
		if all := strings.Join(got, "|"); all != "0 1|2 3|4 5" {
			t.Errorf("%s", all)
		}
		if told := <-batches; !strings.HasPrefix(told, `{"time":"2000-01-01T00:00:`) || !strings.HasSuffix(told,
			`Z","type":"platform.logsDropped","record":{"reason":"Some logs were dropped because the downstream consumer is slower than the logs production rate","droppedRecords":4,"droppedBytes":4}}`) {
			t.Errorf("%s", told)
		}
		fail.Store(true)
		s.offer([]byte("lost"))
		<-batches
		synctest.Wait()
		<-time.After(time.Hour)
		select {
		case again := <-batches:
			t.Errorf("%s", again)
		default:
		}
		fail.Store(false)
		s.offer([]byte("found"))
		if got := <-batches + <-batches; !strings.Contains(got, "found") || !strings.Contains(got, `"droppedRecords":1,"droppedBytes":4`) {
			t.Errorf("%s", got)
		}
		s.cancel()
	})
}
