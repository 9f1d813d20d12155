package sim

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"math/big"
	"time"

	"github.com/millrace/millrace/stream"
)

// record is a record as its producer knows it. Its label, which is its key and its number there, says all of it.
type record struct {
	stream int // index in world.streams
	key    string
	n      int
	asked  time.Time // when the put began, in virtual time
	told   time.Time // when it was acknowledged; zero if it never was
	poison bool      // a function that may give up cannot take it
	gone   bool      // its stream was deleted: nothing is promised of it any more

	found   bool // someone has seen where it lies, so that it is durable
	place   place
	arrival time.Time // on the house's clock; zero until it was read
	mark    time.Time // the house's clock when the put began
}

// place is where a record lies.
type place struct {
	shard    uint32
	position stream.Position
}

func (r *record) label() string { return label(r.key, r.n) }

func label(key string, n int) string { return fmt.Sprintf("%s.%d", key, n) }

// data is the payload of a record.
type data struct {
	Label string `json:"label"`
	Pad   string `json:"pad,omitempty"`
}

// labelOf returns the label in a payload, which is its first member: the rest may be long.
func labelOf(payload []byte) string {
	rest, _ := bytes.CutPrefix(payload, []byte(`{"label":"`))
	label, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(label)
}

// laneOf returns the lane of a key when its shard has so many: the remainder of the key's hash, as the promise has it.
func laneOf(key string, factor int) int {
	hash := md5.Sum([]byte(key))
	n := new(big.Int).SetBytes(hash[:])
	return int(n.Mod(n, big.NewInt(int64(factor))).Int64())
}
