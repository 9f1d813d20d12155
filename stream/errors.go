package stream

import (
	"errors"
	"fmt"
	"time"
)

// Sentinel errors. The room wraps them with what they are about; test with errors.Is.
var (
	// ErrThroughput, as Put.Err, says that the entry is beyond what its shard takes now: its limits, or its queue.
	ErrThroughput = errors.New("the shard takes no more now")
	// ErrGone says that the shard's stream was deleted, is being deleted, or never was.
	ErrGone = errors.New("shard is gone")
	// ErrName says that a name is not one a stream can have.
	ErrName = errors.New("invalid name of a stream")
	// ErrShardCount says that a shard count is missing, too small, or given for a mode that has none.
	ErrShardCount = errors.New("invalid shard count")
	// ErrMode says that there is no such mode.
	ErrMode = errors.New("invalid stream mode")
	// ErrRecordBytes says that the largest record asked for is out of bounds.
	ErrRecordBytes = errors.New("invalid limit of record size")
	// ErrStart says that a start has no such type, or lacks what its type needs.
	ErrStart = errors.New("invalid start")
	// ErrOtherStream says that a sequence number is well formed but was not given out by this shard.
	ErrOtherStream = errors.New("sequence number did not come from this stream")
	// ErrAncientSequenceNumber says the same of a number of version 0, which AWS answers in its own way.
	ErrAncientSequenceNumber = errors.New("sequence number of version 0")
	// ErrIterator says that a text is no shard iterator of ours.
	ErrIterator = errors.New("invalid shard iterator")
	// ErrPageToken says that a text is no page token of ours, ErrExpiredPageToken that it is too old.
	ErrPageToken        = errors.New("invalid page token")
	ErrExpiredPageToken = errors.New("expired page token")
	// ErrFilter says that there is no such shard filter.
	ErrFilter = errors.New("invalid shard filter")
	// ErrPut says that a put has no entries or more than MaxPutEntries.
	ErrPut = errors.New("invalid number of entries")
)

// NotFoundError says that there is no such stream, or none that can be used.
type NotFoundError struct{ Name Name }

func (e *NotFoundError) Error() string { return fmt.Sprintf("stream %s not found", e.Name) }

// StateError says that the stream is not ACTIVE, which it must be for what was asked.
type StateError struct {
	Name   Name
	Status Status
}

func (e *StateError) Error() string { return fmt.Sprintf("stream %s is %s", e.Name, e.Status) }

// ShardNotFoundError says that the stream is not there, or cannot be read, or has no such shard.
type ShardNotFoundError struct {
	Name  Name
	Shard uint32
}

func (e *ShardNotFoundError) Error() string {
	return fmt.Sprintf("%s in stream %s not found", ShardID(e.Shard), e.Name)
}

// Is makes a ShardNotFoundError an ErrGone too.
func (e *ShardNotFoundError) Is(target error) bool { return target == ErrGone }

// ExistsError says that the name is taken.
type ExistsError struct{ Name Name }

func (e *ExistsError) Error() string { return fmt.Sprintf("stream %s exists", e.Name) }

// CreatingLimitError says that too many streams of the account are being created.
type CreatingLimitError struct{ Limit int }

func (e *CreatingLimitError) Error() string {
	return fmt.Sprintf("more than %d streams would be CREATING", e.Limit)
}

// ShardLimitError says that the account would have too many shards: it has Open and asked for More.
type ShardLimitError struct{ Open, More, Limit int }

func (e *ShardLimitError) Error() string {
	return fmt.Sprintf("%d shards beside %d would exceed the limit of %d", e.More, e.Open, e.Limit)
}

// OnDemandLimitError says that the account has as many on-demand streams as it may.
type OnDemandLimitError struct{ Count, Limit int }

func (e *OnDemandLimitError) Error() string {
	return fmt.Sprintf("%d on-demand streams of at most %d", e.Count, e.Limit)
}

// OnDemandError says that the stream's mode is ON_DEMAND, in which shards cannot be changed by request.
type OnDemandError struct{ Name Name }

func (e *OnDemandError) Error() string { return fmt.Sprintf("stream %s is on-demand", e.Name) }

// SplitRangeError says that a shard cannot be split at the hash key that was asked for.
type SplitRangeError struct {
	Shard Shard
	At    Hash
}

func (e *SplitRangeError) Error() string {
	return fmt.Sprintf("%s cannot be split at hash key %s", e.Shard.ID(), e.At)
}

// ClosedShardError says that a shard has been split or merged already.
type ClosedShardError struct{ Shard uint32 }

func (e *ClosedShardError) Error() string { return ShardID(e.Shard) + " is closed" }

// NotAdjacentError says that the second shard's range does not begin right after the end of the first one's.
type NotAdjacentError struct{ Shard, Adjacent uint32 }

func (e *NotAdjacentError) Error() string {
	return fmt.Sprintf("%s does not adjoin %s", ShardID(e.Shard), ShardID(e.Adjacent))
}

// ShardCountError says that a stream with Open shards cannot have Target of them.
type ShardCountError struct {
	Reason       error // ErrTooManyShards, ErrTooFewShards, or ErrMostShards with the Limit
	Open, Target int
	Limit        int
}

func (e *ShardCountError) Error() string {
	return fmt.Sprintf("%d open shards, %d asked for: %v", e.Open, e.Target, e.Reason)
}

func (e *ShardCountError) Unwrap() error { return e.Reason }

// The reasons of a ShardCountError.
var (
	ErrTooManyShards = errors.New("more than double")
	ErrTooFewShards  = errors.New("less than half")
	ErrMostShards    = errors.New("more than a stream may have")
)

// RequestLimitError says that an operation has been asked for as often as it may be within a day.
type RequestLimitError struct {
	Operation string
	Name      Name
	Limit     int
}

func (e *RequestLimitError) Error() string {
	return fmt.Sprintf("%s of stream %s more than %d times in 24 hours", e.Operation, e.Name, e.Limit)
}

// SameModeError says that the stream has the mode that was asked for.
type SameModeError struct {
	Name Name
	Mode Mode
}

func (e *SameModeError) Error() string { return fmt.Sprintf("stream %s is in mode %s", e.Name, e.Mode) }

// RecordSizeError says that an entry is larger than the stream takes.
type RecordSizeError struct {
	Entry int // its index in the put
	Limit int // bytes
}

func (e *RecordSizeError) Error() string {
	return fmt.Sprintf("entry %d is larger than %d bytes", e.Entry, e.Limit)
}

// PutSizeError says that the entries of a put are together larger than one may be.
type PutSizeError struct{ Limit int } // bytes

func (e *PutSizeError) Error() string { return fmt.Sprintf("put is larger than %d bytes", e.Limit) }

// OtherShardError says that a sequence number belongs to another shard than the one it was used with.
type OtherShardError struct {
	Encoded int32 // may be negative when the number was made up
	Shard   uint32
}

func (e *OtherShardError) Error() string {
	return fmt.Sprintf("sequence number of %s used with %s", e.EncodedID(), ShardID(e.Shard))
}

// EncodedID returns the id of the shard that the number names.
func (e *OtherShardError) EncodedID() string { return formatShardID(int64(e.Encoded)) }

// FutureTimestampError says that a start lies in the future.
type FutureTimestampError struct{ Timestamp, Now time.Time }

func (e *FutureTimestampError) Error() string {
	return fmt.Sprintf("timestamp %s lies after %s", e.Timestamp, e.Now)
}

// ExpiredIteratorError says that a shard iterator is too old.
type ExpiredIteratorError struct{ Created, Now time.Time }

func (e *ExpiredIteratorError) Error() string {
	return fmt.Sprintf("shard iterator of %s used at %s", e.Created, e.Now)
}
