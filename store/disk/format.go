package disk

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/millrace/millrace/store"
)

// formatVersion is the form of what this program writes: the keyspaces of key.go and the values under them. It rises
// when an older program would misread what a newer one wrote, and only then.
const formatVersion = 1

// A revision is the number of times the store was opened, and below it a count of commits since. The count starts anew
// with every opening, so revisions that were given out and never became durable are not given out again; nor are those
// of deleted keys. 20 bits of openings and 44 bits of commits outlast any machine; if the count should run over, the
// opening is raised with it.
const revisionCountBits = 44

// begin reads what the store says of itself, and notes this opening. Only then is it safe to write.
func (s *Store) begin() error {
	format, err := s.getNumber(keyFormat)
	if errors.Is(err, store.ErrNotFound) {
		format, err = formatVersion, s.checkEmpty()
	}
	if err != nil {
		return fmt.Errorf("format version: %w", err)
	}
	if format > formatVersion {
		return fmt.Errorf("its format is version %d, written by a newer program; this one knows up to version %d", format, formatVersion)
	}
	epoch, err := s.getNumber(keyEpoch)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("number of openings: %w", err)
	}
	epoch++
	s.revision = epoch << revisionCountBits

	batch := s.db.NewBatch()
	if err := errors.Join(
		batch.Set(keyFormat, sealedNumbers(keyFormat, format), nil),
		batch.Set(keyEpoch, sealedNumbers(keyEpoch, epoch), nil),
	); err != nil {
		return err
	}
	if err := s.deleteDropped(batch); err != nil {
		return fmt.Errorf("dropped logs: %w", err)
	}
	return s.db.Apply(batch, pebble.Sync)
}

// getNumber reads a sealed number.
func (s *Store) getNumber(key []byte) (uint64, error) {
	numbers, err := s.getNumbers(key, 1)
	if err != nil {
		return 0, err
	}
	return numbers[0], nil
}

// getNumbers reads sealed numbers.
func (s *Store) getNumbers(key []byte, count int) ([]uint64, error) {
	var numbers []uint64
	err := s.lookup(key, func(value []byte) (err error) {
		if numbers, err = unsealNumbers(key, value, count); err != nil {
			return fmt.Errorf("key %x: %w: %w", key, store.ErrCorrupt, err)
		}
		return nil
	})
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, store.ErrNotFound
	}
	return numbers, err
}

// checkEmpty refuses a directory that holds a Pebble store which is not ours.
func (s *Store) checkEmpty() error {
	at, err := s.newCursor(nil, nil)
	if err != nil {
		return err
	}
	defer at.close()
	if at.first() {
		return errors.New("there is none, but there is data: not a store of this program")
	}
	return at.err
}

// nextRevision gives out a revision. The batch is the one that will carry it.
func (s *Store) nextRevision(batch *pebble.Batch) (uint64, error) {
	s.revision++
	if epoch := s.revision >> revisionCountBits; s.revision == epoch<<revisionCountBits {
		if err := batch.Set(keyEpoch, sealedNumbers(keyEpoch, epoch), nil); err != nil {
			return 0, err
		}
	}
	return s.revision, nil
}
