package queue_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/race"
)

// fifoMessage is what a client knows of a message in a FIFO queue.
type fifoMessage struct {
	body, group, id string
	hidden          time.Time // out of sight until then, unless a crash made the room forget it
	forgettable     bool      // the room may not have written down yet what a receive did
	count           int
	handle          string // of the latest receive
}

// fifoModel is a FIFO queue with its dead-letter queue as a client may expect them to be: groups are lists, and what is
// not first in its list cannot come unless all before it come along.
type fifoModel struct {
	*room
	random *rand.Rand
	fs     *vfs.MemFS
	groups map[string][]*fifoMessage
	dead   map[string][]string // bodies in the dead-letter queue, by group
	sent   map[string]sentOnce
	next   int

	crashed bool // at least once
}

type sentOnce struct {
	at time.Time
	id string
}

// maxFIFOReceives is the redrive policy's.
const maxFIFOReceives = 4

// TestFIFOModel plays random histories on a FIFO queue, restarts and crashes among them: every group comes in the order
// of its sequence numbers, at most one receiver at a time has any of it, what is sent twice comes once, and what was
// received too often is in the dead-letter queue, in order.
func TestFIFOModel(t *testing.T) {
	seeds := uint64(10)
	if race.Enabled {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { playFIFOModel(t, seed) })
		})
	}
}

func playFIFOModel(t *testing.T, seed uint64) {
	store := &model{fs: vfs.NewCrashableMem()}
	store.start(t)
	m := &fifoModel{
		room: store.room, random: rand.New(rand.NewPCG(seed, 2)), fs: store.fs,
		groups: map[string][]*fifoMessage{}, dead: map[string][]string{}, sent: map[string]sentOnce{},
	}
	t.Cleanup(func() {
		m.stop()
		m.tables.Close()
	})
	m.name = line
	m.create(deadLine, map[string]string{"FifoQueue": "true"})
	attributes := redriveTo(deadLine, maxFIFOReceives)
	attributes["FifoQueue"], attributes["ContentBasedDeduplication"] = "true", "true"
	m.create(line, attributes)
	for range 500 {
		switch n := m.random.IntN(100); {
		case n < 30:
			m.moveSend()
		case n < 60:
			m.moveReceive(1+m.random.IntN(10), time.Duration(1+m.random.IntN(30))*time.Second)
		case n < 75:
			m.moveDelete()
		case n < 82:
			m.moveHide()
		case n < 95:
			pass(time.Duration(m.random.IntN(9000)) * time.Millisecond)
		case n < 97:
			m.moveRestart()
		case n < 98:
			m.moveCrash()
		default:
			pass(time.Minute)
		}
	}
	m.drain()
}

// moveSend sends a few messages, some of them again.
func (m *fifoModel) moveSend() {
	for range 1 + m.random.IntN(5) {
		group, body := fmt.Sprint("g", m.random.IntN(4)), fmt.Sprint("m", m.next)
		if m.random.IntN(5) == 0 && m.next > 0 {
			body = fmt.Sprint("m", m.random.IntN(m.next))
		}
		m.next++
		got := m.put(group, body)
		if before, ok := m.sent[body]; ok && time.Since(before.at) < 5*time.Minute {
			if got.ID != before.id {
				m.t.Fatalf("%s was taken twice within %v", body, time.Since(before.at))
			}
			continue
		}
		if before, ok := m.sent[body]; ok && got.ID == before.id {
			m.t.Fatalf("%s was known again after %v", body, time.Since(before.at))
		}
		m.sent[body] = sentOnce{time.Now(), got.ID}
		m.groups[group] = append(m.groups[group], &fifoMessage{body: body, group: group, id: got.ID})
	}
}

// moveReceive receives, and holds what comes against the lists: of each group a beginning, as far as it is in sight.
func (m *fifoModel) moveReceive(n int, timeout time.Duration) int {
	before := m.inSight()
	got := m.receive(n, visibleAfter(timeout))
	now := time.Now()
	at := map[string]int{}
	for _, r := range got {
		i, all := at[r.Group], m.groups[r.Group]
		for i < len(all) && all[i].id != r.ID && all[i].count >= maxFIFOReceives { // gone to the dead-letter queue on the way
			m.bury(r.Group, all[i])
			all = m.groups[r.Group]
		}
		if i == len(all) || all[i].id != r.ID {
			m.t.Fatalf("received %s of %s out of order; it has %s", r.Body, r.Group, describe(all))
		}
		x := all[i]
		if now.Before(x.hidden) && !x.forgettable {
			m.t.Fatalf("received %s, hidden until %v", r.Body, x.hidden)
		}
		if r.Count > x.count+1 || r.Count > maxFIFOReceives || !x.forgettable && r.Count != x.count+1 {
			m.t.Fatalf("%s has count %d after %d", r.Body, r.Count, x.count)
		}
		x.count, x.hidden, x.handle, x.forgettable = r.Count, now.Add(timeout), r.Handle, false
		at[r.Group] = i + 1
	}
	m.settleDead()
	if len(got) == 0 && before > 0 && m.inSight() == before {
		m.t.Fatalf("nothing came, though %d groups begin in sight", before)
	}
	return len(got)
}

// inSight counts the groups whose first message may be received for certain. After a crash that is not certain: what hid
// it for shorter may be forgotten too.
func (m *fifoModel) inSight() (n int) {
	for _, all := range m.groups {
		if len(all) > 0 && !all[0].forgettable && !time.Now().Before(all[0].hidden) && all[0].count < maxFIFOReceives {
			n++
		}
	}
	return n
}

func describe(all []*fifoMessage) string {
	s := ""
	for _, x := range all {
		s += fmt.Sprintf(" %s(%d, %v)", x.body, x.count, time.Until(x.hidden))
	}
	return s
}

// bury takes the first message of a group to the dead letters.
func (m *fifoModel) bury(group string, x *fifoMessage) {
	for i, y := range m.groups[group] {
		if x == y {
			m.groups[group] = append(m.groups[group][:i:i], m.groups[group][i+1:]...)
		}
	}
	m.dead[group] = append(m.dead[group], x.body)
}

// settleDead asks the dead-letter queue what is in it, takes that out, and compares.
func (m *fifoModel) settleDead() {
	m.in(deadLine, func() {
		for _, r := range m.receive(10) {
			// The first of its group, unless a crash made the room forget receives of those before it.
			if i := slices.IndexFunc(m.groups[r.Group], func(x *fifoMessage) bool { return x.id == r.ID }); len(m.dead[r.Group]) == 0 &&
				(i == 0 || i > 0 && m.crashed) && m.groups[r.Group][i].count >= maxFIFOReceives {
				m.bury(r.Group, m.groups[r.Group][i])
			}
			if len(m.dead[r.Group]) == 0 || m.dead[r.Group][0] != r.Body || r.DeadLetterSource != line.ARN() {
				m.t.Fatalf("dead letter %s of %s, want %v; it has%s", r.Body, r.Group, m.dead[r.Group], describe(m.groups[r.Group]))
			}
			m.dead[r.Group] = m.dead[r.Group][1:]
			m.remove(r.Handle)
		}
	})
}

// pick returns a message that is in flight.
func (m *fifoModel) pick() *fifoMessage {
	var all []*fifoMessage
	for i := range 4 {
		for _, x := range m.groups[fmt.Sprint("g", i)] {
			if x.handle != "" && time.Now().Before(x.hidden) {
				all = append(all, x)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[m.random.IntN(len(all))]
}

func (m *fifoModel) moveDelete() {
	x := m.pick()
	if x == nil {
		return
	}
	refused, err := m.DeleteMessages(background, line, x.handle)
	if err != nil {
		m.t.Fatal(err)
	}
	if refused[0] != nil {
		if x.forgettable {
			return // it came back after a crash, and its handle ended with that
		}
		m.t.Fatal(refused[0])
	}
	all := m.groups[x.group]
	for i := range all {
		if all[i] == x {
			m.groups[x.group] = append(all[:i:i], all[i+1:]...)
			break
		}
	}
}

func (m *fifoModel) moveHide() {
	x := m.pick()
	if x == nil {
		return
	}
	timeout := time.Duration(m.random.IntN(40)) * time.Second
	if err := m.hide(x.handle, timeout); err != nil {
		if x.forgettable {
			return
		}
		m.t.Fatal(err)
	}
	x.hidden = time.Now().Add(timeout)
}

func (m *fifoModel) moveRestart() {
	m.settleDead()
	m.room.restart()
}

// moveCrash loses what was not synced: what receives did in the last two seconds.
func (m *fifoModel) moveCrash() {
	m.settleDead()
	after := m.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: m.random.IntN(100), RNG: m.random})
	m.stop()
	m.tables.Close()
	m.fs = after
	m.crashed = true
	store := &model{fs: after}
	store.start(m.t)
	m.room = store.room
	m.name = line
	for _, all := range m.groups {
		for _, x := range all {
			x.forgettable = x.count > 0
		}
	}
}

// drain receives and deletes until nothing is left, and compares the last.
func (m *fifoModel) drain() {
	pass(2 * time.Minute)
	for {
		got := m.moveReceive(10, time.Minute)
		for {
			x := m.pick()
			if x == nil {
				break
			}
			m.moveDelete()
		}
		if got == 0 {
			break
		}
	}
	for group, all := range m.groups {
		if len(all) > 0 {
			m.t.Fatalf("%s has left:%s", group, describe(all))
		}
	}
	m.settleDead()
	for group, left := range m.dead {
		if len(left) > 0 {
			m.t.Fatalf("dead letters of %s are lost: %v", group, left)
		}
	}
	pass(20 * time.Minute)
	synctest.Wait()
	m.expectRows(0)
}
