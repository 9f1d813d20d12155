package logs

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/store"
)

// The room's tables.
const (
	tableState   = "log-state"   // stateRow, under stateNumber
	tableGroups  = "log-groups"  // groupRow, by account, region and name
	tableDoomed  = "log-doomed"  // doomedRow, under the group's number: deleted groups of which something is left
	tableStreams = "log-streams" // streamRow, under the group's number and the stream's
	tableExtents = "log-extents" // extentRow, under the group's number and the first ordinal
)

const stateNumber = "next-number"

// stateRow is a fact about the whole room.
type stateRow struct {
	Number uint64 `json:"number"`
}

type doomedRow struct{}

// logNumbers sets the numbers of groups apart from those of the streams of records, whose logs are in the same store.
const logNumbers = 1 << 63

func logID(group uint64) store.LogID { return store.LogID{Stream: logNumbers | group} }

func groupKey(n Name) string { return store.Key(n.Account, n.Region, n.Group) }

func numberKey(group uint64) string { return string(binary.BigEndian.AppendUint64(nil, group)) }

func streamKey(group uint64, stream uint32) string {
	return string(binary.BigEndian.AppendUint32([]byte(numberKey(group)), stream))
}

func extentKey(group, first uint64) string {
	return string(binary.BigEndian.AppendUint64([]byte(numberKey(group)), first))
}

// number reads a number as it stands in keys.
func number(b string) (uint64, error) {
	switch len(b) {
	case 4:
		return uint64(binary.BigEndian.Uint32([]byte(b))), nil
	case 8:
		return binary.BigEndian.Uint64([]byte(b)), nil
	}
	return 0, fmt.Errorf("key %q of a log: %w", b, store.ErrCorrupt)
}

// maxRemoved is how many rows are removed in one commit.
const maxRemoved = 1000

// clear removes the rows of a group from a table.
func (s *Service) clear(ctx context.Context, table string, group uint64) error {
	from := numberKey(group)
	var writes []store.Write
	for entry, err := range s.store.Scan(ctx, table, from, store.PrefixEnd(from)) {
		if err != nil {
			return err
		}
		writes = append(writes, store.Write{Table: table, Key: entry.Key, Delete: true})
		if len(writes) == maxRemoved {
			if err := s.store.Commit(ctx, writes...); err != nil {
				return err
			}
			writes = nil
		}
	}
	return s.commit(ctx, writes)
}

// commit commits what there is, if anything.
func (s *Service) commit(ctx context.Context, writes []store.Write) error {
	if len(writes) == 0 {
		return nil
	}
	return s.store.Commit(ctx, writes...)
}
