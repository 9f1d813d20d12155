package mapping

import (
	"cmp"
	"slices"
	"time"

	"github.com/millrace/millrace/mapping/history"
	"github.com/millrace/millrace/stream"
)

// Waits say what a mapping waits for at one moment: as a whole, with its shards, and with each of their lanes.
type Waits struct {
	For    string      `json:"for,omitempty"` // of the mapping as a whole, while its stream is not read
	Since  time.Time   `json:"since,omitzero"`
	Until  time.Time   `json:"until,omitzero"` // zero when it is not known
	Shards []ShardWait `json:"shards"`         // those that are not read yet
	Lanes  []LaneWait  `json:"lanes"`          // those at work first, when there are too many
	// Omitted is how many lanes and shards are not listed, since there are too many.
	Omitted int `json:"omitted"`
}

// ShardWait says which shards have to be done before another is read.
type ShardWait struct {
	ShardID string   `json:"shard_id"`
	For     string   `json:"for"`
	Parents []string `json:"parents"`
}

// LaneWait says what a lane is at.
type LaneWait struct {
	ShardID string     `json:"shard_id"`
	Lane    int        `json:"lane"`
	Lanes   int        `json:"lanes"`
	For     string     `json:"for"`
	Since   time.Time  `json:"since,omitzero"`
	Until   time.Time  `json:"until,omitzero"` // zero when it is not known
	Batch   history.ID `json:"batch,omitzero"`
	Records int        `json:"records"` // that it holds
}

// maxWaits is how many lanes, and how many shards, are told of at once.
const maxWaits = 1000

// doing is what a lane, a reader or a runner is at, for those who look on. The zero value says that it is at work.
type doing struct {
	what         string
	since, until time.Time
	batch        history.ID
}

// does says what the lane is at.
func (l *lane) does(d doing) {
	d.since = l.r.s.config.Clock.Now()
	l.doing.Store(&d)
}

// does says what the reader is at.
func (r *reader) does(d doing) {
	if d.what != "" {
		d.since = r.s.config.Clock.Now()
	}
	r.mu.Lock()
	r.doing = d
	r.mu.Unlock()
}

// does says what the mapping is at while its stream is not read.
func (e *entry) does(d doing) {
	e.mu.Lock()
	e.doing = d
	e.mu.Unlock()
}

// watch sets the reading that can be looked at.
func (e *entry) watch(rd *reading) {
	e.mu.Lock()
	e.reading = rd
	e.mu.Unlock()
}

// enter lets a reader be looked at.
func (rd *reading) enter(r *reader) {
	rd.mu.Lock()
	rd.readers[r.key.Index] = r
	rd.mu.Unlock()
}

func (rd *reading) leave(shard uint32) {
	rd.mu.Lock()
	delete(rd.readers, shard)
	rd.mu.Unlock()
}

// park notes which shards wait for others.
func (rd *reading) park() {
	parked := map[uint32][]uint32{}
	for i := range rd.stream.Shards {
		shard := &rd.stream.Shards[i]
		if rd.active[shard.Index] || rd.done[shard.Index][wholeShard].Complete {
			continue
		}
		if parents := rd.awaited(shard); len(parents) > 0 {
			parked[shard.Index] = parents
		}
	}
	rd.mu.Lock()
	rd.parked = parked
	rd.mu.Unlock()
}

// Waits returns what a mapping of any account waits for, or ErrNotFound.
func (s *Service) Waits(uuid string) (Waits, error) {
	e, err := s.entry(uuid)
	if err != nil {
		return Waits{}, err
	}
	e.mu.Lock()
	rd, d, phase := e.reading, e.doing, e.row.Phase
	e.mu.Unlock()
	w := Waits{Shards: []ShardWait{}, Lanes: []LaneWait{}}
	now := s.config.Clock.Now()
	switch {
	case phase.inTransition(now):
		w.For, w.Until = history.WaitTransition, phase.Until
	case phase.Then == Disabled:
		w.For = history.WaitEnabling
	case rd == nil:
		w.For, w.Since, w.Until = d.what, d.since, d.until
	}
	if rd != nil { // also of a mapping that is being disabled, whose lanes have not ended
		rd.look(&w)
	}
	return w, nil
}

// look adds what the shards and lanes wait for.
func (rd *reading) look(w *Waits) {
	rd.mu.Lock()
	readers := make([]*reader, 0, len(rd.readers))
	for _, r := range rd.readers {
		readers = append(readers, r)
	}
	for shard, parents := range rd.parked {
		wait := ShardWait{ShardID: stream.ShardID(shard), For: history.WaitParents}
		for _, p := range parents {
			wait.Parents = append(wait.Parents, stream.ShardID(p))
		}
		w.Shards = append(w.Shards, wait)
	}
	rd.mu.Unlock()
	var idle []LaneWait
	for _, r := range readers {
		idle = r.look(w, idle)
	}
	w.Lanes = append(w.Lanes, idle...)
	slices.SortFunc(w.Shards, func(a, b ShardWait) int { return cmp.Compare(a.ShardID, b.ShardID) })
	w.Omitted = max(0, len(w.Lanes)-maxWaits) + max(0, len(w.Shards)-maxWaits)
	w.Lanes, w.Shards = w.Lanes[:min(len(w.Lanes), maxWaits)], w.Shards[:min(len(w.Shards), maxWaits)]
	slices.SortFunc(w.Lanes, func(a, b LaneWait) int {
		return cmp.Or(cmp.Compare(a.ShardID, b.ShardID), cmp.Compare(a.Lane, b.Lane))
	})
}

// look adds the lanes that are at work, and returns the others beside those it was given.
func (r *reader) look(w *Waits, idle []LaneWait) []LaneWait {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.lanes {
		l := &r.lanes[i]
		var d doing
		if at := l.doing.Load(); at != nil {
			d = *at
		}
		wait := LaneWait{ShardID: r.id, Lane: i, Lanes: len(r.lanes), Records: l.held}
		switch {
		case l.running && d.what == "":
			d = r.doing // of the store, or nothing
			d.what = cmp.Or(d.what, "work")
		case !l.running && r.doing.what != "":
			d = r.doing
		case !l.running && d.what == "": // final invocations are also made without a lane's goroutine
			d.what = history.WaitRecords
		}
		wait.For, wait.Since, wait.Until, wait.Batch = d.what, d.since, d.until, d.batch
		if l.running || d.what != history.WaitRecords {
			w.Lanes = append(w.Lanes, wait)
		} else {
			idle = append(idle, wait)
		}
	}
	return idle
}
