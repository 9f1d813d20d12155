package stream

import (
	"context"
	"fmt"
)

// SetMaxRecordBytes sends a stream through UPDATING to another limit of the size of a record. Records that are stored
// stay readable, whatever their size.
//
// Errors: NotFoundError, StateError, ErrRecordBytes.
func (s *Service) SetMaxRecordBytes(ctx context.Context, name Name, limit int) error {
	return s.beginUpdate(ctx, name, func(*live) (change, error) {
		if limit < DefaultRecordBytes || limit > MaxRecordBytes {
			return change{}, fmt.Errorf("%w: %d bytes", ErrRecordBytes, limit)
		}
		return change{MaxRecordBytes: limit}, nil
	})
}
