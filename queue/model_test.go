package queue_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/race"
	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/store/disk"
)

// modelMessage is what a client knows of a message. A crash may make the room forget what receives did within the last
// moments, so what it has to show lies between two bounds.
type modelMessage struct {
	sent, due       time.Time
	mayShow, mustBe time.Time // visible from mayShow on at the earliest, from mustBe on for certain
	minCount, count int
	touched         time.Time
	handles         []string
	delete          bool
}

// model is a queue as a client may expect it to be.
type model struct {
	*room
	random    *rand.Rand
	messages  map[string]*modelMessage
	retention time.Duration
	fs        *vfs.MemFS
	next      int
}

// TestModel plays random histories, restarts and crashes among them, and compares all that the room says with a model:
// nothing is lost, nothing is received while it is hidden, and what was deleted stays so.
func TestModel(t *testing.T) {
	seeds := uint64(10)
	if race.Enabled {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { playModel(t, seed) })
		})
	}
}

func playModel(t *testing.T, seed uint64) {
	m := &model{
		random: rand.New(rand.NewPCG(seed, 1)), messages: map[string]*modelMessage{},
		retention: 5 * time.Minute, fs: vfs.NewCrashableMem(),
	}
	m.start(t)
	t.Cleanup(m.end)
	m.create(orders, map[string]string{"MessageRetentionPeriod": "300", "VisibilityTimeout": "20"})
	moves := []struct {
		weight int
		move   func()
	}{
		{30, m.moveSend},
		{30, m.moveReceive},
		{15, m.moveDelete},
		{10, m.moveHide},
		{20, m.movePass},
		{3, m.moveCount},
		{2, m.moveRestart},
		{2, m.moveCrash},
		{1, m.movePurge},
	}
	total := 0
	for _, x := range moves {
		total += x.weight
	}
	for range 600 {
		n := m.random.IntN(total)
		for _, x := range moves {
			if n -= x.weight; n < 0 {
				x.move()
				break
			}
		}
	}
	m.drain()
}

func (m *model) start(t testing.TB) {
	tables, err := disk.Open(disk.Options{FS: m.fs, Dir: "/store", MemtableBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	m.room = open(t, tables)
}

func (m *model) end() {
	m.stop()
	m.tables.Close()
}

func (m *model) live(x *modelMessage) bool {
	return !x.delete && time.Now().Before(x.sent.Add(m.retention))
}

func (m *model) moveSend() {
	var batch []queue.Message
	for range 1 + m.random.IntN(10) {
		delay := time.Duration(0)
		if m.random.IntN(4) == 0 {
			delay = time.Duration(m.random.IntN(60)) * time.Second
		}
		batch = append(batch, queue.Message{Body: fmt.Sprint("m", m.next), Delay: &delay})
		due := time.Now().Add(delay)
		m.messages[batch[len(batch)-1].Body] = &modelMessage{sent: time.Now(), due: due, mayShow: due, mustBe: due}
		m.next++
	}
	if _, err := m.Send(background, orders, batch...); err != nil {
		m.t.Fatal(err)
	}
}

func (m *model) moveReceive() {
	timeout := time.Duration(m.random.IntN(30)) * time.Second
	m.check(m.receive(1+m.random.IntN(10), visibleAfter(timeout)), timeout)
}

// check compares what a receive returned with the model, and takes it in.
func (m *model) check(got []queue.Received, timeout time.Duration) {
	now := time.Now()
	for _, r := range got {
		x := m.messages[r.Body]
		switch {
		case x == nil:
			m.t.Fatalf("received %q, which was never sent", r.Body)
		case x.delete:
			m.t.Fatalf("received %s, which was deleted", r.Body)
		case !m.live(x):
			m.t.Fatalf("received %s, which has expired", r.Body)
		case now.Before(x.mayShow):
			m.t.Fatalf("received %s at %v, hidden until %v", r.Body, now, x.mayShow)
		case r.Count < x.minCount+1 || r.Count > x.count+1:
			m.t.Fatalf("%s has count %d, want %d to %d", r.Body, r.Count, x.minCount+1, x.count+1)
		case !r.Sent.Equal(x.sent.Truncate(time.Millisecond)):
			m.t.Fatalf("%s was sent at %v, want %v", r.Body, r.Sent, x.sent)
		}
		x.minCount, x.count = r.Count, r.Count
		x.mayShow, x.mustBe, x.touched = now.Add(timeout), now.Add(timeout), now
		x.handles = append(x.handles, r.Handle)
	}
}

// pick returns a message with a handle, mostly one that is still there.
func (m *model) pick() (*modelMessage, string) {
	for range 30 {
		x := m.messages[fmt.Sprint("m", m.random.IntN(m.next+1))]
		if x != nil && len(x.handles) > 0 {
			return x, x.handles[m.random.IntN(len(x.handles))]
		}
	}
	return nil, ""
}

func (m *model) moveDelete() {
	if x, handle := m.pick(); x != nil {
		m.remove(handle)
		x.delete = true
	}
}

func (m *model) moveHide() {
	x, handle := m.pick()
	if x == nil {
		return
	}
	timeout := time.Duration(m.random.IntN(40)) * time.Second
	err := m.hide(handle, timeout)
	if !m.live(x) {
		if err == nil {
			m.t.Fatal("the visibility of a message that is gone was changed")
		}
		return
	}
	if err != nil {
		m.t.Fatal(err)
	}
	x.touched = time.Now()
	x.mayShow, x.mustBe = x.touched.Add(timeout), x.touched.Add(timeout)
}

func (m *model) movePass() {
	pass(time.Duration(m.random.IntN(12000)) * time.Millisecond)
}

// moveCount compares the counts, which are exact but for what has just expired.
func (m *model) moveCount() {
	pass(3 * time.Second)
	synctest.Wait()
	c, err := m.Count(background, orders)
	if err != nil {
		m.t.Fatal(err)
	}
	var low, high int64
	for _, x := range m.messages {
		if m.live(x) {
			low++
		}
		if !x.delete && time.Now().Before(x.sent.Add(m.retention+time.Minute+3*time.Second)) {
			high++
		}
	}
	if n := c.Visible + c.InFlight + c.Delayed; n < low || n > high {
		m.t.Fatalf("counts %+v, want %d to %d in all", c, low, high)
	}
}

func (m *model) moveRestart() {
	m.room.restart()
}

func (m *model) moveCrash() {
	after := m.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: m.random.IntN(100), RNG: m.random})
	m.end()
	m.fs = after
	m.start(m.t)
	now := time.Now()
	for _, x := range m.messages {
		if now.Sub(x.touched) < 2*time.Second {
			// It may have forgotten this, and what came shortly before.
			x.minCount = max(0, x.minCount-10)
			if x.due.Before(now) {
				x.mayShow = now
			} else {
				x.mayShow = x.due
			}
			if x.mustBe.Before(now.Add(40 * time.Second)) {
				x.mustBe = now.Add(40 * time.Second)
			}
		}
	}
}

func (m *model) movePurge() {
	if m.Purge(background, orders) != nil {
		return // within a minute
	}
	for _, x := range m.messages {
		x.delete = true
	}
}

// drain receives until nothing comes and compares with what has to come.
func (m *model) drain() {
	pass(61 * time.Second)
	want := map[string]bool{}
	for body, x := range m.messages {
		if m.live(x) && !time.Now().Before(x.mustBe) {
			want[body] = true
		}
	}
	for {
		got := m.receive(10, visibleAfter(time.Hour))
		if len(got) == 0 {
			break
		}
		m.check(got, time.Hour)
		for _, r := range got {
			delete(want, r.Body)
			m.remove(r.Handle)
			m.messages[r.Body].delete = true
		}
	}
	if len(want) > 0 {
		m.t.Fatalf("lost: %v", want)
	}
	for _, x := range m.messages {
		if m.live(x) {
			m.t.Fatalf("left: %+v", x)
		}
	}
	pass(10 * time.Minute)
	synctest.Wait()
	m.expectRows(0)
}
