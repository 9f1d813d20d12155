package history

import (
	"encoding/json"
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/stream"
)

// Discarded is what is kept of records that were given up together.
type Discarded struct {
	ID      ID     `json:"id"`
	Batch   ID     `json:"batch"` // whose trail may be forgotten
	ShardID string `json:"shard_id"`
	Lane    int    `json:"lane"`
	Lanes   int    `json:"lanes"`

	Condition   string    `json:"condition"`
	At          time.Time `json:"at"`
	RequestID   string    `json:"request_id"` // of the document; so is the number of invocations
	InvokeCount int       `json:"invoke_count"`
	Delivery    *Delivery `json:"delivery,omitempty"`

	First   stream.SequenceNumber `json:"first_sequence_number,omitzero"`
	Last    stream.SequenceNumber `json:"last_sequence_number,omitzero"`
	Records int                   `json:"records"`
	Window  *Window               `json:"window,omitempty"`
	// Attempts are all that the records went through since the program started, also in the batches that theirs was cut
	// from; of very many the first and the last.
	Attempts        []Attempt `json:"attempts"`
	AttemptsOmitted int       `json:"attempts_omitted,omitempty"`

	// RecordsKept is false when the records are too large for what a shelf may hold.
	RecordsKept bool `json:"records_kept"`
	// Parts says how many records begin in each part of what is stored of them.
	Parts []int `json:"parts,omitempty"`
	// Bytes is how much all of this takes in the store, as it was when it was written.
	Bytes int64 `json:"bytes"`
}

// Record is one record that was given up, as it was put.
type Record struct {
	SequenceNumber stream.SequenceNumber `json:"sequence_number"`
	PartitionKey   string                `json:"partition_key"`
	HashKey        string                `json:"hash_key"` // decimal, of the partition key or as it was given
	Arrival        time.Time             `json:"arrival"`
	Attempts       int                   `json:"attempts"` // that it was part of since the program started
	Data           []byte                `json:"data"`     // base64
	// More says that the next part begins with more of this record's data, and Continues that this is such. Neither is set
	// in what a Shelf returns.
	More      bool `json:"more,omitempty"`
	Continues bool `json:"continues,omitempty"`
}

// part is some of the records of one discarded batch.
type part struct {
	Records []Record        `json:"records,omitempty"`
	State   json.RawMessage `json:"state,omitempty"` // of the window whose final invocation was given up
}

const (
	// partBytes is how much data a part holds before the next is begun, pieceBytes how much of a single record. As JSON
	// neither comes near store.MaxValue.
	partBytes  = 1 << 20
	pieceBytes = 4 << 20
	// commitBytes is the most that is written for one discarded batch; the rest of store.MaxCommit is for the checkpoint
	// beside it and the state of a window.
	commitBytes = store.MaxCommit / 2
)

// partsOf spreads records over parts, and returns how many begin in each.
func partsOf(records []Record, state []byte) (parts []part, counts []int) {
	if len(records) == 0 && len(state) == 0 {
		return nil, nil
	}
	now, size, begun := part{State: state}, 0, 0
	next := func() {
		parts, counts = append(parts, now), append(counts, begun)
		now, size, begun = part{}, 0, 0
	}
	for _, r := range records {
		if size > 0 && size+len(r.Data) > partBytes {
			next()
		}
		begun++
		for len(r.Data) > pieceBytes {
			piece := r
			piece.Data, piece.More = r.Data[:pieceBytes:pieceBytes], true
			now.Records = append(now.Records, piece)
			next()
			r.Data, r.Continues = r.Data[pieceBytes:], true
		}
		now.Records = append(now.Records, r)
		size += len(r.Data) + len(r.PartitionKey)
	}
	next()
	return parts, counts
}
