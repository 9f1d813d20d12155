package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"

	"github.com/millrace/millrace/store"
)

// A log that a crash tore and a log that was damaged look alike where they break off, and Pebble takes many a damaged
// one for torn: what was acknowledged after that place would be gone in silence. What comes after the break tells:
//
//   - Each record of the manifest is synced before the next begins. A record after the break is proof of damage.
//   - Every write that we hand to Pebble carries its number in the log, and the number up to which all were durable at
//     that moment. A record after the break that says that what is missing was durable is proof of damage. Other records
//     after the break prove nothing: of what was not synced, a loss of power keeps any part.
//
// What is left: damage to the last few records of a log after a crash, with nothing behind them to bear witness.

// scanAfterCrash refuses a database whose manifest or newest log was damaged. Pebble itself is strict with older logs.
func (s *Store) scanAfterCrash() error {
	name, err := atomicfs.ReadMarker(s.fs, s.dbDir(), "manifest")
	if err != nil || name == "" {
		return err // a new store has none
	}
	if err := s.scanFile(name, manifestDamage); err != nil {
		return err
	}
	names, err := s.fs.List(s.dbDir())
	if err != nil {
		return err
	}
	newest := uint64(0)
	for _, name := range names {
		var number uint64
		if _, err := fmt.Sscanf(name, "%d.log", &number); err == nil && path.Ext(name) == ".log" {
			newest = max(newest, number)
		}
	}
	if newest == 0 {
		return nil
	}
	return s.scanFile(fmt.Sprintf("%06d.log", newest), func(r io.Reader) (int64, error) {
		return logDamage(r, uint32(newest))
	})
}

// scanFile refuses a file in which scan finds damage.
func (s *Store) scanFile(name string, scan func(io.Reader) (int64, error)) error {
	file := s.fs.PathJoin(s.dbDir(), name)
	f, err := s.fs.Open(file)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", file, store.ErrCorrupt, err)
	}
	at, err := scan(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if at >= 0 {
		return fmt.Errorf("%s: %w at byte %d", file, store.ErrCorrupt, at)
	}
	return nil
}

// manifestDamage returns where the manifest is damaged, -1 if that is not to be seen.
func manifestDamage(r io.Reader) (int64, error) {
	damage := int64(-1)
	err := eachChunk(r, func(at int64, c chunk) bool {
		if c.part == partNone && damage < 0 {
			damage = at
		}
		return damage < 0 || c.part != partFull && c.part != partFirst
	})
	if err == errStopped {
		return damage, nil
	}
	return -1, err
}

// logDamage returns where the log of the given number is damaged, -1 if that is not to be seen.
func logDamage(r io.Reader, number uint32) (int64, error) {
	var (
		damage = int64(-1)
		lost   uint64 // number of the first write that is missing, 0 while not known
		end    []byte // the end of the record that is being read, nil between records
		proof  bool
	)
	err := eachChunk(r, func(at int64, c chunk) bool {
		if c.part == partNone || c.log != number {
			end = nil
			if damage < 0 {
				damage = at
				return c.part == partNone // a chunk of the file's former life: here the log ends
			}
			return true
		}
		switch c.part {
		case partFull, partFirst:
			end = append([]byte{}, c.bytes...)
		default:
			if end == nil {
				return true
			}
			end = append(end, c.bytes...)
		}
		end = end[max(len(end)-logMarkOp, 0):]
		if c.part != partFull && c.part != partLast {
			return true
		}
		written, durable, ok := readLogMark(end)
		end = nil
		switch {
		case !ok:
		case damage < 0:
			lost = written + 1
		default:
			if lost == 0 {
				lost = written - 1
			}
			proof = durable >= lost && lost > 0
		}
		return !proof
	})
	if err == errStopped && proof {
		return damage, nil
	}
	if err == errStopped {
		err = nil
	}
	return -1, err
}

// errStopped says that eachChunk was told to stop.
var errStopped = errors.New("stopped")

// eachChunk calls visit for every chunk of a log. Where there is no sound one, it calls visit with none, and goes on at
// the next byte where there is one. It returns errStopped when visit says false.
func eachChunk(r io.Reader, visit func(at int64, c chunk) bool) error {
	block := make([]byte, logBlockLen)
	for start := int64(0); ; start += logBlockLen {
		n, err := io.ReadFull(r, block)
		for at := 0; at < n && !isPadding(block[at:n]); {
			c := chunkAt(block[at:n])
			if !visit(start+int64(at), c) {
				return errStopped
			}
			at += max(c.size, 1)
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// isPadding reports whether the rest of a block is too short for a chunk and empty.
func isPadding(rest []byte) bool {
	if len(rest) >= maxChunkHead {
		return false
	}
	for _, b := range rest {
		if b != 0 {
			return false
		}
	}
	return true
}

// A mark is what every write carries at its end in the log, and only there.

const (
	logMarkWord = "millrace"
	logMarkLen  = len(logMarkWord) + 8 + 8
	logMarkOp   = 1 + 1 + logMarkLen // with its kind and length in Pebble's batch
)

// logMark returns the mark of the write of that number, at a moment when all up to durable were so.
func logMark(number, durable uint64) []byte {
	mark := append(make([]byte, 0, logMarkLen), logMarkWord...)
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(mark, number), durable)
}

// readLogMark reads the mark at the end of a record.
func readLogMark(end []byte) (number, durable uint64, ok bool) {
	if len(end) != logMarkOp || int(end[1]) != logMarkLen || string(end[2:2+len(logMarkWord)]) != logMarkWord {
		return 0, 0, false
	}
	numbers := end[2+len(logMarkWord):]
	return binary.BigEndian.Uint64(numbers), binary.BigEndian.Uint64(numbers[8:]), true
}
