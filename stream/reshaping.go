package stream

import (
	"slices"
	"time"
)

// split asks that a shard be split: the second child begins with the hash key At.
type split struct {
	Shard uint32     `json:"shard"`
	At    storedHash `json:"at"`
}

// merge asks that two shards whose ranges adjoin become one.
type merge struct {
	Shard    uint32 `json:"shard"`
	Adjacent uint32 `json:"adjacent"`
}

// reshaping works out what becomes of a stream's shards. A shard is never changed but in that it is closed, and new ones
// take the indexes after the last. So the highest index always belongs to an open shard, and none is used twice.
type reshaping struct {
	shards  []Shard   // all, in order of their indexes
	closing time.Time // when those that were open are closed, in whole seconds
}

// reshape returns the shards as they are when the change has been made.
func (c *change) reshape(shards []Shard, closing time.Time) []Shard {
	r := &reshaping{shards: slices.Clone(shards), closing: closing}
	for _, s := range c.Splits {
		r.split(r.find(s.Shard), Hash(s.At))
	}
	for _, m := range c.Merges {
		r.merge(r.find(m.Shard), r.find(m.Adjacent))
	}
	if c.ShardCount > 0 {
		r.resize(c.ShardCount)
	}
	return r.shards
}

// find returns the place of the shard with that index, which is there.
func (r *reshaping) find(index uint32) int {
	i, _ := searchShard(r.shards, index)
	return i
}

// split closes a shard and adds its children: first the one with the lower keys, then the one that begins with at.
func (r *reshaping) split(parent int, at Hash) {
	created := r.close(parent)
	p := r.shards[parent]
	r.add(Shard{Range: HashRange{p.Range.Start, at.before()}, Parent: int64(p.Index), AdjacentParent: NoParent, Created: created})
	r.add(Shard{Range: HashRange{at, p.Range.End}, Parent: int64(p.Index), AdjacentParent: NoParent, Created: created})
}

// merge closes two shards and adds their child. The first has the lower keys.
func (r *reshaping) merge(first, second int) {
	created := later(r.close(first), r.close(second))
	p, a := r.shards[first], r.shards[second]
	r.add(Shard{Range: HashRange{p.Range.Start, a.Range.End}, Parent: int64(p.Index), AdjacentParent: int64(a.Index), Created: created})
}

// close closes a shard and returns when its children are created: a second later, as AWS has it. One that was created
// in the course of this very change is closed as it begins.
func (r *reshaping) close(i int) (created time.Time) {
	r.shards[i].Closed = later(r.closing, r.shards[i].Created)
	return r.shards[i].Closed.Add(time.Second)
}

func (r *reshaping) add(sh Shard) {
	sh.Index = r.shards[len(r.shards)-1].Index + 1
	r.shards = append(r.shards, sh)
}

// open returns the places of the open shards, in order of their keys.
func (r *reshaping) open() []int {
	var open []int
	for i := range r.shards {
		if r.shards[i].Open() {
			open = append(open, i)
		}
	}
	slices.SortFunc(open, func(a, b int) int { return r.shards[a].Range.Start.Compare(r.shards[b].Range.Start) })
	return open
}

// resize changes how many shards are open, in AWS's way. To grow, every open shard is split in the middle, and then
// neighbours are merged from the lowest keys on until they are as many as they should be; to shrink, neighbours are
// merged only. Ranges therefore come out even when the number is doubled or halved, and not otherwise.
func (r *reshaping) resize(target int) {
	open := r.open()
	for len(open) < target { // ends, for there is always a shard that can be split
		for _, i := range open {
			if at, ok := r.shards[i].Range.middle(); ok {
				r.split(i, at)
			}
		}
		open = r.open()
	}
	for len(open) > target {
		for pair := 0; pair+1 < len(open) && len(open)-pair/2 > target; pair += 2 {
			r.merge(open[pair], open[pair+1])
		}
		open = r.open()
	}
}

// opensAfter returns how many shards are open when the change has been made.
func (c *change) opensAfter(st *Stream) int {
	if c.ShardCount > 0 {
		return c.ShardCount
	}
	return st.OpenShards() + len(c.Splits) - len(c.Merges)
}
