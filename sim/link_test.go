package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/stream"
)

// link is a mapping as it should be. It has two functions of its own, so that a function tells whose event it gets.
type link struct {
	name      string
	uuid      string // "" until it is known
	stream    int
	functions [2]string
	partial   bool // ReportBatchItemFailures
	givesUp   bool // it has limits, and a destination that hears of what they end
	windowed  bool // its records are aggregated by tumbling windows
	stranded  bool // its consumer went with the stream
	unfit     []string
	consumer  stream.ConsumerID // that the stream is read for; zero for none
	start     stream.Start
	// The start LATEST was fixed between these moments; to is zero until that is over.
	from, to time.Time

	// settings are those that may be in force: the newest ones, and those before them while they may still be.
	settings []mapping.Settings
	// held is which of the settings was the newest to hold for certain.
	held int
	// silent is when it was reported to be Disabled, or gone; zero while it may invoke.
	silent time.Time
	// waking says that nobody knows whether it was enabled, as was asked: that it is seen to be Disabled means nothing then.
	waking bool
	gone   bool
	// deleting says that its deletion was asked for.
	deleting bool
	// enabled is what was asked for last.
	enabled bool

	factors  map[int][]int // that were in force, by epoch
	endings  map[*record]*ending
	requests map[string]*request
}

// ending is how a record has ended for a link.
type ending struct {
	how   string
	epoch int
	call  int
	key   string // of some record of the same call
	// kept says that a checkpoint was found to cover it; open that none was when the house was opened after a crash, so
	// that it comes again.
	kept, open bool
	// folded is the epoch in which a final invocation had it in its state, or the state was given up; 0 for none.
	folded int
}

// request is what became of a batch: invocations that have the same request id.
type request struct {
	records  []*record // of the last attempt
	numbers  []string  // of the same
	attempts int       // that the function failed
	state    []string  // of its window, before it
	final    bool      // it closes its window
}

func (l *link) ref(i int) function.Ref { return function.Ref{Name: functionName(l.functions[i])} }

// verdict is whether a record is for a link.
type verdict int

const (
	no verdict = iota
	maybe
	yes
)

// wants says whether a record is for the link to deliver.
func (l *link) wants(r *record) verdict {
	if r.stream != l.stream || slices.Contains(l.unfit, r.key) || l.stranded {
		return no
	}
	switch l.start.Type {
	case stream.Latest:
		switch {
		case !r.told.IsZero() && r.told.Before(l.from):
			return no
		case !l.to.IsZero() && r.asked.After(l.to):
			return yes
		}
		return maybe
	case stream.AtTimestamp:
		switch {
		case r.arrival.IsZero():
			return maybe
		case r.arrival.Before(l.start.Timestamp) && r.told.IsZero():
			return maybe // it may have been in doubt, and stored when the mapping had begun
		case r.arrival.Before(l.start.Timestamp):
			return no
		}
	}
	return yes
}

// quota returns how often a batch may fail before it is given up, -1 for as often as it likes.
func (l *link) quota() int {
	most := 0
	for _, s := range l.settings {
		if s.MaximumRetryAttempts == mapping.Forever {
			return -1
		}
		most = max(most, s.MaximumRetryAttempts+1)
	}
	return most
}

// youngest returns the age from which a record may be given up, 0 for none.
func (l *link) youngest() time.Duration {
	least := 0
	for _, s := range l.settings {
		if s.MaximumRecordAge != mapping.Forever && (least == 0 || s.MaximumRecordAge < least) {
			least = s.MaximumRecordAge
		}
	}
	return time.Duration(least) * time.Second
}

// force notes settings that may be in force from now on.
func (l *link) force(epoch int, s mapping.Settings) {
	l.settings = append(l.settings, s)
	l.factors[epoch] = append(l.factors[epoch], s.ParallelizationFactor)
}

// forced notes what became of the settings that were noted last. They hold, or they do not, or nobody knows.
func (l *link) forced(held, certain bool) {
	n := len(l.settings)
	switch {
	case held:
		l.settings = l.settings[l.held:]
		l.held = len(l.settings) - 1
	case certain && n > 1:
		l.settings = l.settings[:n-1]
	}
}

// end notes how a record ends. The world's mutex is held.
func (l *link) end(w *world, r *record, how string, call int, key string) {
	if r.gone {
		return
	}
	if e := l.endings[r]; e != nil {
		l.again(w, r, e)
	}
	l.endings[r] = &ending{how: how, epoch: w.epoch, call: call, key: key}
}

// again judges that a record which has ended is dealt with once more. Only a crash excuses that, which took the checkpoint
// behind it.
func (l *link) again(w *world, r *record, e *ending) {
	switch {
	case e.epoch == w.epoch:
		w.breach("%s: %s comes again, which was %s by call %d, and nothing has crashed since", l.name, r.label(), e.how, e.call)
	case !e.open:
		w.breach("%s: %s comes again, which was %s by call %d, and a checkpoint covers it", l.name, r.label(), e.how, e.call)
	}
}

// fitLanes reports whether the calls, by their numbers each a key of it, may each have been the last of another lane in an epoch. A change may
// have been under way, and the batches in flight still be those of a former factor.
func (l *link) fitLanes(epoch int, calls map[int]string) bool {
	return slices.ContainsFunc(l.factors[epoch], func(f int) bool { return ofDifferentLanes(calls, f) })
}

func ofDifferentLanes(calls map[int]string, factor int) bool {
	lanes := map[int]bool{}
	for _, key := range calls {
		lane := laneOf(key, factor)
		if lanes[lane] {
			return false
		}
		lanes[lane] = true
	}
	return true
}

// pending returns the records that have not ended and should.
func (l *link) pending(w *world) (left []*record) {
	for _, r := range w.records {
		if r.stored() && l.wants(r) == yes && !w.expired(r) && (l.endings[r] == nil || w.mustBeFolded(l, r)) {
			left = append(left, r)
		}
	}
	return left
}

func (l *link) String() string {
	s := l.settings[len(l.settings)-1]
	return fmt.Sprintf("%s of %s from %s, consumer %q: %+v, unfit %v", l.name, streamLabel(l.stream), l.start.Type, l.consumer.Name, s, l.unfit)
}

// stored reports whether the record is certainly in its stream, unless it has expired.
func (r *record) stored() bool { return !r.gone && (r.found || !r.told.IsZero()) }
