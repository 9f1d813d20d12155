package alarm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/store"
)

// find returns the alarm's row, which nobody changes.
func (s *Service) find(name Name) (*row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.known[name]; r != nil {
		return r, nil
	}
	return nil, ErrNotFound
}

// Put makes an alarm, whose state is unknown, or gives one another definition; its state then stays until it is looked at. Tags are
// those of a new one. Error: ErrLimit.
func (s *Service) Put(ctx context.Context, name Name, d Definition, tags map[string]string) error {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return err
	}
	defer done()
	now := s.config.Clock.Now().UTC()
	word := "updated"
	r := row{Definition: d, Configured: now}
	if old, err := s.find(name); err == nil {
		r.Condition, r.Tags, r.Pending = old.Condition, old.Tags, old.Pending
	} else {
		word = "created"
		if s.count(name) >= maxAlarms {
			return ErrLimit
		}
		r.Tags = maps.Clone(tags)
		r.Condition = Condition{State: Unknown, Reason: "Unchecked: Initial alarm creation", Updated: now, Transitioned: now}
	}
	data, err := json.Marshal(map[string]string{"version": "1.0", "type": strings.ToUpper(word[:1]) + word[1:len(word)-1]})
	if err != nil {
		return err
	}
	return s.keep(ctx, name, &r, Item{Kind: ItemConfiguration, Time: now, Summary: fmt.Sprintf("Alarm %q %s", name.Name, word), Data: string(data)})
}

func (s *Service) count(of Name) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for name := range s.known {
		if name.Account == of.Account && name.Region == of.Region {
			n++
		}
	}
	return n
}

// keep stores an alarm together with items of its history, of which the oldest go. The caller was admitted.
func (s *Service) keep(ctx context.Context, name Name, r *row, items ...Item) error {
	ctx = context.WithoutCancel(ctx)
	write, err := s.alarms.Write(name.key(), *r, 0)
	if err != nil {
		return err
	}
	writes, err := s.historyWrites(ctx, name, items)
	if err != nil {
		return err
	}
	if err := s.config.Store.Commit(ctx, append(writes, write)...); err != nil {
		s.doubt(name, err)
		return fmt.Errorf("store alarm %s: %w", name.Name, err)
	}
	s.show(name, r)
	return nil
}

// show puts an alarm into memory, to be looked at soon, or takes it out.
func (s *Service) show(name Name, r *row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r == nil {
		delete(s.known, name)
		delete(s.due, name)
		return
	}
	if old := s.known[name]; old == nil || old.Configured != r.Configured {
		delete(s.due, name)
	}
	s.known[name] = r
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// historyWrites are the changes that add items to an alarm's history.
func (s *Service) historyWrites(ctx context.Context, name Name, items []Item) ([]store.Write, error) {
	if len(items) == 0 {
		return nil, nil
	}
	var keys []string
	for item, err := range s.history.Scan(ctx, store.Key(name.key(), "")) {
		if err != nil {
			return nil, err
		}
		keys = append(keys, item.Key)
	}
	var writes []store.Write
	for _, key := range keys[:max(0, len(keys)+len(items)-maxHistory)] {
		writes = append(writes, s.history.Remove(key, 0))
	}
	for _, item := range items {
		s.mu.Lock()
		s.items++
		number := s.items
		s.mu.Unlock()
		item.Alarm, item.Time = name.Name, item.Time.UTC()
		w, err := s.history.Write(store.Key(name.key(), fmt.Sprintf("%016x-%016x", item.Time.UnixMilli(), number)), item, 0)
		if err != nil {
			return nil, err
		}
		writes = append(writes, w)
	}
	return writes, nil
}

// doubt has it found out what became of an alarm, when a commit about it failed.
func (s *Service) doubt(name Name, err error) {
	if !store.InDoubt(err) {
		return
	}
	s.doubts.Add("alarm "+name.key(), func(ctx context.Context) error {
		r, _, err := s.alarms.Get(ctx, name.key())
		if errors.Is(err, store.ErrNotFound) {
			s.show(name, nil)
			return nil
		}
		if err != nil {
			return fmt.Errorf("read alarm %s again: %w", name.Name, err)
		}
		s.show(name, &r)
		return nil
	})
}

// change changes a copy of an alarm's row and puts it in the row's place; nothing is stored when nothing is changed, which is when
// edit returns no items and leaves the row as it was.
func (s *Service) change(ctx context.Context, name Name, edit func(*row) ([]Item, error)) error {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return err
	}
	defer done()
	old, err := s.find(name)
	if err != nil {
		return err
	}
	r := *old
	r.Pending = slices.Clone(old.Pending)
	items, err := edit(&r)
	if err != nil || items == nil {
		return err
	}
	return s.keep(ctx, name, &r, items...)
}

// SetState gives an alarm a state until it is looked at next. Error: ErrNotFound.
func (s *Service) SetState(ctx context.Context, name Name, state State, reason, data string) error {
	return s.change(ctx, name, func(r *row) ([]Item, error) {
		items := r.turn(name, Condition{State: state, Reason: reason, ReasonData: data}, s.config.Clock.Now())
		return append([]Item{}, items...), nil
	})
}

// Mute says whether actions of an alarm are carried out. Error: ErrNotFound.
func (s *Service) Mute(ctx context.Context, name Name, muted bool) error {
	return s.change(ctx, name, func(r *row) ([]Item, error) {
		r.Muted = muted
		return []Item{}, nil
	})
}

// Retag changes the tags of an alarm. Errors: ErrNotFound, ErrTags.
func (s *Service) Retag(ctx context.Context, name Name, edit func(tags map[string]string)) error {
	return s.change(ctx, name, func(r *row) ([]Item, error) {
		tags := map[string]string{}
		maps.Copy(tags, r.Tags)
		if edit(tags); len(tags) > maxTags {
			return nil, ErrTags
		}
		r.Tags = tags
		return []Item{}, nil
	})
}

// Delete removes alarms with their histories; those that are not there are no error.
func (s *Service) Delete(ctx context.Context, names ...Name) error {
	done, err := s.doubts.Admit(ctx)
	if err != nil {
		return err
	}
	defer done()
	var writes []store.Write
	for _, name := range names {
		if _, err := s.find(name); err != nil {
			continue
		}
		writes = append(writes, s.alarms.Remove(name.key(), 0))
		for item, err := range s.history.Scan(ctx, store.Key(name.key(), "")) {
			if err != nil {
				return err
			}
			writes = append(writes, s.history.Remove(item.Key, 0))
		}
	}
	if len(writes) == 0 {
		return nil
	}
	if err := s.config.Store.Commit(context.WithoutCancel(ctx), writes...); err != nil {
		for _, name := range names {
			s.doubt(name, err)
		}
		return fmt.Errorf("delete alarms: %w", err)
	}
	for _, name := range names {
		s.show(name, nil)
	}
	return nil
}

// Get returns an alarm. Error: ErrNotFound.
func (s *Service) Get(name Name) (Alarm, error) {
	r, err := s.find(name)
	if err != nil {
		return Alarm{}, err
	}
	return r.alarm(name), nil
}

// List returns the account's alarms in the region that wanted accepts, in the order of their names.
func (s *Service) List(account, region string, wanted func(Alarm) bool) []Alarm {
	s.mu.Lock()
	var list []Alarm
	for name, r := range s.known {
		if a := r.alarm(name); name.Account == account && name.Region == region && wanted(a) {
			list = append(list, a)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(list, func(a, b Alarm) int { return strings.Compare(a.Name.Name, b.Name.Name) })
	return list
}

// History returns the items of an alarm's history, or of all alarms of the account in the region when the name is empty, the oldest
// first.
func (s *Service) History(ctx context.Context, of Name) ([]Item, error) {
	prefix := store.Key(of.Account, of.Region, "")
	if of.Name != "" {
		prefix = store.Key(of.key(), "")
	}
	var items []Item
	for item, err := range s.history.Scan(ctx, prefix) {
		if err != nil {
			return nil, fmt.Errorf("read the history of alarms: %w", err)
		}
		items = append(items, item.Value)
	}
	slices.SortStableFunc(items, func(a, b Item) int { return a.Time.Compare(b.Time) })
	return items, nil
}

// stateData is a change of state for programs.
func stateData(before, after Condition) string {
	type state struct {
		Value  State           `json:"stateValue"`
		Reason string          `json:"stateReason"`
		Data   json.RawMessage `json:"stateReasonData,omitempty"`
	}
	of := func(c Condition) state {
		s := state{Value: c.State, Reason: c.Reason}
		if json.Valid([]byte(c.ReasonData)) {
			s.Data = json.RawMessage(c.ReasonData)
		}
		return s
	}
	text, err := json.Marshal(struct {
		Version string `json:"version"`
		Old     state  `json:"oldState"`
		New     state  `json:"newState"`
	}{"1.0", of(before), of(after)})
	if err != nil {
		return "{}"
	}
	return string(text[:min(len(text), 4095)])
}
