package disk

import (
	"sort"

	"github.com/millrace/millrace/store"
)

// overlay remembers, for every key with a change that is applied (or about to be) but not durable yet, what readers
// must still see. Pebble shows a change as soon as it is applied; a value read then and taken back by a crash would
// have been a lie. So readers look here too, and what is found here wins.
//
// An entry comes before its change is applied and goes when the change is durable, both under Store.mu. The overlay is
// as small as the pipeline is short.
type overlay map[string]map[string]*pendingKey // table -> key

// pendingKey is one key with changes under way.
type pendingKey struct {
	durable store.Entry // what readers see; Revision 0 when the key does not exist
	changes []store.Entry
}

// add notes a change of the key; before is called for what is durable now when the key has no other change under way.
func (o overlay) add(table string, change store.Entry, before store.Entry) {
	keys := o[table]
	if keys == nil {
		keys = make(map[string]*pendingKey)
		o[table] = keys
	}
	p := keys[change.Key]
	if p == nil {
		p = &pendingKey{durable: before}
		keys[change.Key] = p
	}
	p.changes = append(p.changes, change)
}

// settle makes the oldest change of the key the durable one.
func (o overlay) settle(table, key string) {
	p := o[table][key]
	p.durable = p.changes[0]
	p.changes = p.changes[1:]
	if len(p.changes) > 0 {
		return
	}
	delete(o[table], key)
	if len(o[table]) == 0 {
		delete(o, table)
	}
}

// latest returns the newest change of the key, durable or not.
func (o overlay) latest(table, key string) (store.Entry, bool) {
	p := o[table][key]
	if p == nil {
		return store.Entry{}, false
	}
	return p.changes[len(p.changes)-1], true
}

// durable returns what readers see of a key with changes under way.
func (o overlay) durable(table, key string) (store.Entry, bool) {
	p := o[table][key]
	if p == nil {
		return store.Entry{}, false
	}
	return p.durable, true
}

// between returns what readers see of all keys with changes under way in [from, to), in order; to "" is no bound.
func (o overlay) between(table, from, to string) []store.Entry {
	var entries []store.Entry
	for key, p := range o[table] {
		if key >= from && (to == "" || key < to) {
			e := p.durable
			e.Key = key
			entries = append(entries, e)
		}
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Key < entries[j].Key })
	return entries
}
