package mapping

import (
	"encoding/json"
	"slices"

	"github.com/millrace/millrace/mapping/history"
	"github.com/millrace/millrace/store"
)

// ordealKept follows what an ordeal's mapping gives up.
type ordealKept struct {
	on      bool           // the mapping gives up after few retries
	records map[string]int // by label: how often the record was stored among the discarded ones
}

// watch looks at every commit.
func (k *ordealKept) watch(o *ordeal, on bool) {
	k.on, k.records = on, map[string]int{}
	committed := o.tables.onCommit
	o.tables.onCommit = func(writes []store.Write) {
		o.mu.Lock()
		for _, w := range writes {
			if w.Table == "mapping-discarded-records" && !w.Delete {
				k.add(o, w.Value)
			}
		}
		o.mu.Unlock()
		committed(writes)
	}
}

func (k *ordealKept) add(o *ordeal, value []byte) {
	var part struct{ Records []history.Record }
	if err := json.Unmarshal(value[1:], &part); err != nil {
		o.t.Error(err)
	}
	for i := range part.Records {
		k.records[labelOfData(part.Records[i].Data)]++
	}
}

// check sees to it that the records on the shelf are passed by a checkpoint, each is there once, and that those which a
// checkpoint passes were delivered if they are not there. The caller holds the mutex, or is alone.
func (k *ordealKept) check(o *ordeal, done map[uint32]progress) {
	st := o.source.streams[streamName("orders")]
	for i, sh := range st.shards {
		records, _ := unpack(sh.records, &st.Shards[i])
		for j := range records {
			r := &records[j]
			label := labelIn(r)
			passed := done[uint32(i)].done(r) || done[uint32(i)][wholeShard].Complete
			switch n := k.records[label]; {
			case n > 1:
				o.t.Errorf("%s is kept %d times", label, n)
			case n == 1 && !passed:
				o.t.Errorf("%s is kept, and no checkpoint has passed it", label)
			case n == 0 && passed && len(o.delivered[label]) == 0 && !slices.Contains(o.unfit, r.PartitionKey):
				o.t.Errorf("a checkpoint has passed %s, which was neither delivered nor kept", label)
			}
		}
	}
	if !k.on && len(k.records) > 0 {
		o.t.Errorf("%d records are kept though nothing was given up", len(k.records))
	}
}
