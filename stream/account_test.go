package stream

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestCommitment(t *testing.T) {
	synctest.Test(t, testCommitment)
}

func testCommitment(t *testing.T) {
	clock := newSwingingClock()
	r := newRig(t, Config{Clock: clock})
	ctx := t.Context()
	start := clock.Now().UTC()
	at := func(d time.Duration) time.Time { return start.Add(d) }
	const day = 24 * time.Hour
	commit := func(on bool) {
		t.Helper()
		if _, err := r.Commit(ctx, testAccount, testRegion, on); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(when string, want Commitment) {
		t.Helper()
		for range 2 {
			got, err := r.Commitment(ctx, testAccount, testRegion)
			if err != nil || got != want {
				t.Errorf("%s: %+v, %v, want %+v", when, got, err, want)
			}
			if committed, err := r.Committed(ctx, testAccount, testRegion); err != nil || committed != (want.Status != CommitmentOff) {
				t.Errorf("%s: committed %t, %v", when, committed, err)
			}
			r.restart()
		}
	}
	expect("never", Commitment{Status: CommitmentOff})
	commit(false)
	expect("ended without a beginning", Commitment{Status: CommitmentOff})
	commit(true)
	on := Commitment{Status: CommitmentOn, Started: at(0), EarliestEnd: at(day)}
	expect("begun", on)
	clock.swing(time.Hour)
	commit(true)
	expect("begun again", on)
	commit(false)
	ending := Commitment{Status: CommitmentEnding, Started: at(0), EarliestEnd: at(day)}
	expect("to end", ending)
	clock.swing(22 * time.Hour)
	commit(false)
	expect("to end, again", ending)
	commit(true)
	expect("not to end after all", on)
	commit(false)
	clock.swing(time.Hour - 1)
	expect("a moment before the end", ending)
	clock.swing(1)
	expect("ended", Commitment{Status: CommitmentOff, Started: at(0), Ended: at(day)})
	commit(true)
	expect("begun anew", Commitment{Status: CommitmentOn, Started: at(day), EarliestEnd: at(2 * day)})
	clock.swing(day + time.Hour)
	commit(false)
	expect("ended at once", Commitment{Status: CommitmentOff, Started: at(day), Ended: at(2*day + time.Hour)})
	if c, err := r.Commitment(ctx, testAccount, "us-east-1"); err != nil || c.Status != CommitmentOff || !c.Started.IsZero() {
		t.Errorf("of another region: %+v, %v", c, err)
	}
	r.stop()
}
