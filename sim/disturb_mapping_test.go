package sim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// settings chooses what a link's mapping may be set to. Its filters and its kind of responses stay what they are.
func (w *world) settings(l *link) mapping.Settings {
	s := mapping.Defaults()
	s.BatchSize = 1 + w.random.IntN([]int{3, 10, 100}[w.random.IntN(3)])
	s.ParallelizationFactor = 1 + w.random.IntN([]int{1, 4, 10}[w.random.IntN(3)])
	s.MaximumBatchingWindow = max(0, w.random.IntN(5)-2)
	s.BisectBatchOnFunctionError = w.chance(50)
	s.ReportBatchItemFailures = l.partial
	if l.windowed {
		s.ParallelizationFactor, s.TumblingWindow = 1, 1+w.random.IntN([]int{4, 30}[w.random.IntN(2)])
	}
	if len(l.unfit) > 0 {
		s.Filters = []string{`{"partitionKey":[{"anything-but":["` + strings.Join(l.unfit, `","`) + `"]}]}`}
	}
	if l.givesUp {
		s.MaximumRetryAttempts = w.random.IntN(4)
		s.OnFailure = w.queue.ARN()
		if w.chance(50) {
			s.MaximumRecordAge = 60 + w.random.IntN(200)
		}
	}
	return s
}

func mappingIsCreated(w *world, h *house) {
	w.mu.Lock()
	n := len(w.links)
	live := len(slices.DeleteFunc(slices.Clone(w.links), func(l *link) bool { return l.gone }))
	w.mu.Unlock()
	if live >= 4 {
		return
	}
	l := &link{
		name: fmt.Sprintf("m%d", n), stream: w.random.IntN(len(w.streams)), partial: w.chance(50), givesUp: w.chance(60), windowed: w.chance(30),
		factors: map[int][]int{}, endings: map[*record]*ending{}, requests: map[string]*request{},
		enabled: true, from: time.Now(),
	}
	if w.isDying(l.stream) {
		return
	}
	l.functions = [2]string{l.name + "-a", l.name + "-b"}
	for _, f := range l.functions {
		if !w.createFunction(h, f) {
			return
		}
	}
	l.start.Type = []stream.StartType{stream.TrimHorizon, stream.TrimHorizon, stream.Latest, stream.AtTimestamp}[w.random.IntN(4)]
	if l.start.Type == stream.AtTimestamp {
		l.start.Timestamp = w.clock.Now().Add(-time.Duration(w.random.IntN(20_000)) * time.Millisecond)
	}
	if !l.windowed && w.chance(40) {
		w.mu.Lock()
		for _, key := range slices.Sorted(maps.Keys(w.keys)) {
			if w.dice.IntN(3) == 0 {
				l.unfit = append(l.unfit, key)
			}
		}
		w.mu.Unlock()
	}
	if w.chance(30) && !w.register(h, l) {
		return
	}
	w.create(h, l)
}

// register gives a link a consumer, and reports whether that was possible.
func (w *world) register(h *house, l *link) bool {
	c, err := h.streams.RegisterConsumer(h.ctx, w.streams[l.stream], l.name, nil)
	if err != nil && !errors.As(err, new(*stream.ConsumerLimitError)) && !h.excused(err) {
		w.failf("register a consumer: %v", err)
	}
	l.consumer = c.ID()
	return err == nil
}

// create makes the mapping of a link. When it cannot be known whether it was made, the house finds out later, or in its next
// life.
func (w *world) create(h *house, l *link) {
	s := w.settings(l)
	w.mu.Lock()
	l.from = time.Now()
	l.force(w.epoch, s)
	w.links = append(w.links, l)
	w.note("create %s", l)
	w.mu.Unlock()
	m, err := h.mappings.Create(h.ctx, mapping.CreateInput{
		Account: account, Region: region, Source: w.streams[l.stream], Consumer: l.consumer, Function: l.ref(0), Start: l.start, Settings: s,
	})
	w.mu.Lock()
	down := h.down
	if err == nil && !down {
		l.uuid, l.to = m.UUID, time.Now()
	}
	w.mu.Unlock()
	if err == nil || down {
		return
	}
	w.say("create %s: %v", l.name, err)
	refused := errors.Is(err, mapping.ErrFunctionNotFound) || errors.As(err, new(*mapping.SourceNotFoundError))
	if !refused && !h.excused(err) {
		w.failf("create %s: %v", l.name, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if refused || !store.InDoubt(err) {
		l.gone = true
		l.rest()
	}
}

// recognize finds the mappings that were made although nobody could say so.
func (w *world) recognize(h *house) {
	all := h.mappings.All()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.links {
		i := slices.IndexFunc(all, func(m mapping.Mapping) bool { return slices.Contains(l.functions[:], m.Function.Name.Name) })
		if !h.down && l.uuid == "" && !l.gone && i >= 0 {
			l.uuid, l.to = all[i].UUID, time.Now()
			w.note("%s is there", l.name)
		}
	}
}

// someLink is a link whose mapping is there.
func (w *world) someLink() *link {
	w.mu.Lock()
	defer w.mu.Unlock()
	live := slices.DeleteFunc(slices.Clone(w.links), func(l *link) bool { return l.gone || l.uuid == "" })
	if len(live) == 0 {
		return nil
	}
	return live[w.random.IntN(len(live))]
}

// update changes a link's mapping, and reports whether it did for certain. s are the settings that it is to have then, nil
// when they stay what they are.
func (w *world) update(h *house, l *link, s *mapping.Settings, c mapping.Change) bool {
	w.mu.Lock()
	if s != nil {
		l.force(w.epoch, *s)
	}
	if c.Enabled != nil && *c.Enabled {
		l.silent = time.Time{}
	}
	w.mu.Unlock()
	_, err := h.mappings.Update(h.ctx, account, region, l.uuid, c)
	refused := errors.Is(err, mapping.ErrInUse) || errors.Is(err, mapping.ErrFunctionNotFound)
	if err != nil && !refused && !h.excused(err) {
		w.failf("update %s: %v", l.name, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note("update %s to %+v, %s: %v", l.name, s, switched(c.Enabled), err)
	if s != nil {
		l.forced(err == nil, refused || !store.InDoubt(err))
	}
	if err == nil || store.InDoubt(err) && c.Enabled != nil && *c.Enabled {
		l.waking = err != nil
	}
	if err == nil && c.Enabled != nil {
		l.enabled = *c.Enabled
	}
	return err == nil && !h.down
}

func switched(enabled *bool) string {
	switch {
	case enabled == nil:
		return "no other state"
	case *enabled:
		return "enabled"
	}
	return "disabled"
}

// changeTo is the change that makes the settings these.
func changeTo(s mapping.Settings) mapping.Change {
	return mapping.Change{
		BatchSize: &s.BatchSize, TumblingWindow: &s.TumblingWindow, MaximumBatchingWindow: &s.MaximumBatchingWindow, ParallelizationFactor: &s.ParallelizationFactor,
		MaximumRetryAttempts: &s.MaximumRetryAttempts, MaximumRecordAge: &s.MaximumRecordAge,
		BisectBatchOnFunctionError: &s.BisectBatchOnFunctionError, OnFailure: &s.OnFailure,
	}
}

func mappingChanges(w *world, h *house) {
	if l := w.someLink(); l != nil {
		s := w.settings(l)
		w.update(h, l, &s, changeTo(s))
	}
}

func mappingIsDisabled(w *world, h *house) {
	if l := w.someLink(); l != nil {
		w.update(h, l, nil, mapping.Change{Enabled: new(false)})
	}
}

func mappingIsEnabled(w *world, h *house) {
	if l := w.someLink(); l != nil {
		w.update(h, l, nil, mapping.Change{Enabled: new(true)})
	}
}

func mappingMoves(w *world, h *house) {
	if l := w.someLink(); l != nil {
		ref := l.ref(w.random.IntN(2))
		w.update(h, l, nil, mapping.Change{Function: &ref})
	}
}

func mappingIsDeleted(w *world, h *house) {
	l := w.someLink()
	if l == nil {
		return
	}
	w.mu.Lock()
	l.deleting = true
	w.mu.Unlock()
	_, err := h.mappings.Delete(h.ctx, account, region, l.uuid)
	if err != nil && !h.excused(err, mapping.ErrInUse) {
		w.failf("delete %s: %v", l.name, err)
	}
	w.say("delete %s: %v", l.name, err)
}

// look asks for the states of all mappings. One that is Disabled, or not there, invokes no function any more.
func (w *world) look(h *house) {
	w.recognize(h)
	w.mu.Lock()
	links := slices.Clone(w.links)
	w.mu.Unlock()
	for _, l := range links {
		if l.uuid == "" || l.gone {
			continue
		}
		m, err := h.mappings.Get(account, region, l.uuid)
		w.mu.Lock()
		switch {
		case h.down:
		case errors.Is(err, mapping.ErrNotFound):
			l.gone = true
			l.rest()
		case m.State == mapping.Disabled && !l.waking:
			l.rest()
		}
		w.mu.Unlock()
	}
}

func (l *link) rest() {
	if l.silent.IsZero() {
		l.silent = time.Now()
	}
}

// adopt finds out what a house that has just been started knows of the links.
func (w *world) adopt(h *house) {
	all := h.mappings.All()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.links {
		if l.gone {
			continue
		}
		i := slices.IndexFunc(all, func(m mapping.Mapping) bool { return slices.Contains(l.functions[:], m.Function.Name.Name) })
		if i < 0 {
			if l.uuid != "" && l.silent.IsZero() && !l.deleting {
				w.breach("%s is lost", l.name)
			}
			l.gone = true
			l.rest()
			continue
		}
		m := all[i]
		if l.uuid == "" {
			l.uuid, l.to = m.UUID, time.Now()
		}
		l.settings, l.held, l.waking = nil, 0, false
		l.force(h.epoch, m.Settings)
	}
}
