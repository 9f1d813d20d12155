package mapping

import (
	"crypto/md5"
	"slices"
	"strconv"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/millrace/millrace/stream"
)

// aggregated packs user records into one payload, as producers do.
func aggregated(users ...stream.Record) []byte {
	var message []byte
	add := func(to []byte, field protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(to, field, protowire.BytesType), value)
	}
	for i := range users {
		message = add(message, 1, []byte(users[i].PartitionKey))
		message = add(message, 2, []byte(users[i].Hash.String()))
	}
	for i := range users {
		var user []byte
		for field := range protowire.Number(2) {
			user = protowire.AppendVarint(protowire.AppendTag(user, field+1, protowire.VarintType), uint64(i))
		}
		message = add(message, 3, add(user, 3, users[i].Data))
	}
	sum := md5.Sum(message)
	return slices.Concat([]byte{0xF3, 0x89, 0x9A, 0xC2}, message, sum[:])
}

// TestUnpack puts user records in the place of what held them, and leaves alone what cannot be taken apart.
// Facts: 2.2.9.
func TestUnpack(t *testing.T) {
	record := func(at stream.Position, hash byte, data string) stream.Record {
		return stream.Record{Position: at, PartitionKey: "k" + strconv.Itoa(int(hash)), Hash: stream.Hash{hash}, Data: []byte(data)}
	}
	shard := &stream.Shard{Range: stream.HashRange{Start: stream.Hash{2}, End: stream.Hash{4}}}
	low, high, below, above := record(1, 2, "low"), record(1, 4, "high"), record(1, 1, "below"), record(1, 4, "above")
	above.Hash[15] = 1
	broken := aggregated(low, high)
	broken[len(broken)-1]++
	for name, c := range map[string]struct {
		payloads [][]byte
		want     []string // position/sub-sequence:key:data
		strays   int
	}{
		"none":          {[][]byte{[]byte("a"), []byte("b")}, []string{"1/0:k9:a", "2/0:k9:b"}, 0},
		"one":           {[][]byte{[]byte("a"), aggregated(low, high), []byte("b")}, []string{"1/0:k9:a", "2/1:k2:low", "2/2:k4:high", "3/0:k9:b"}, 0},
		"two":           {[][]byte{aggregated(low), aggregated(low, low)}, []string{"1/1:k2:low", "2/1:k2:low", "2/2:k2:low"}, 0},
		"broken is raw": {[][]byte{broken, aggregated(low)}, []string{"1/0:k9:" + string(broken), "2/1:k2:low"}, 0},
		"below":         {[][]byte{aggregated(low, below, high), []byte("b")}, []string{"2/0:k9:b"}, 1},
		"above":         {[][]byte{[]byte("a"), aggregated(above), aggregated(high)}, []string{"1/0:k9:a", "3/1:k4:high"}, 1},
		"only strays":   {[][]byte{aggregated(above), aggregated(low, below)}, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var records []stream.Record
			for i, payload := range c.payloads {
				records = append(records, record(stream.Position(i+1), 9, string(payload)))
			}
			unpacked, strays := unpack(records, shard)
			var got []string
			for _, r := range unpacked {
				got = append(got, strconv.Itoa(int(r.Position))+"/"+strconv.Itoa(int(r.SubSequence))+":"+r.PartitionKey+":"+string(r.Data))
			}
			if !slices.Equal(got, c.want) || len(strays) != c.strays {
				t.Errorf("%q and %d strays, not %q and %d", got, len(strays), c.want, c.strays)
			}
		})
	}
}
