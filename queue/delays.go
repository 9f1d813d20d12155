package queue

// delaySlots is the number of seconds that delays looks ahead: more than the longest delay.
const delaySlots = 1024

// delays counts the messages that are not yet due, by the second in which they become so. It stays nil for queues
// without delays.
type delays struct {
	slots [delaySlots]int32
	now   int64 // the second up to which slots were cleared
	total int64
}

// second is the slot's second of a due time in milliseconds: the one in which the message is due for certain.
func second(due int64) int64 { return (due + 999) / 1000 }

// forward lets time pass.
func (d *delays) forward(nowMillis int64) {
	now := nowMillis / 1000
	if now-d.now >= delaySlots {
		*d = delays{now: now}
		return
	}
	for ; d.now < now; d.now++ {
		slot := &d.slots[(d.now+1)%delaySlots]
		d.total -= int64(*slot)
		*slot = 0
	}
}

// add counts n more messages with this due time; n may be negative.
func (d *delays) add(due int64, n int32) {
	s := second(due)
	if s <= d.now || s >= d.now+delaySlots {
		return
	}
	d.slots[s%delaySlots] += n
	d.total += int64(n)
}
