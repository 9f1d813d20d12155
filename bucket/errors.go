package bucket

import "errors"

// What the room answers when it cannot do what was asked. Callers test with errors.Is.
var (
	// ErrBucketNotFound says that there is no bucket of this name.
	ErrBucketNotFound = errors.New("bucket not found")
	// ErrForbidden says that the bucket belongs to another account.
	ErrForbidden = errors.New("bucket belongs to another account")
	// ErrBucketName says that no bucket can have this name.
	ErrBucketName = errors.New("invalid bucket name")
	// ErrBucketOwned says that the caller has a bucket of this name already.
	ErrBucketOwned = errors.New("bucket exists and is yours")
	// ErrBucketTaken says that another account has a bucket of this name.
	ErrBucketTaken = errors.New("bucket exists and is another account's")
	// ErrTooManyBuckets says that the account has as many buckets as it may have.
	ErrTooManyBuckets = errors.New("too many buckets")
	// ErrNotEmpty says that a bucket holds objects and therefore cannot be deleted.
	ErrNotEmpty = errors.New("bucket is not empty")
	// ErrConflict says that something else is being done to the bucket or the object, and that it may be tried again.
	ErrConflict = errors.New("conflicting operation in progress")
	// ErrBusy says that as many objects are being written as may be.
	ErrBusy = errors.New("too many objects are being written")
	// ErrNotFound says that there is no object under this key.
	ErrNotFound = errors.New("object not found")
	// ErrKeyTooLong says that a key has more than MaxKeyBytes.
	ErrKeyTooLong = errors.New("key is too long")
	// ErrTooLarge says that an object has more bytes than it may have.
	ErrTooLarge = errors.New("object is too large")
	// ErrPrecondition says that what was to be replaced is not what the caller takes it for.
	ErrPrecondition = errors.New("precondition failed")
	// ErrUploadNotFound says that there is no such upload in parts, or no longer.
	ErrUploadNotFound = errors.New("upload not found")
	// ErrPart says that a part that is to become part of an object was not uploaded, or is another one.
	ErrPart = errors.New("invalid part")
	// ErrPartOrder says that the parts of an object are not in the order of their numbers.
	ErrPartOrder = errors.New("parts are not in order")
	// ErrPartTooSmall says that a part other than the last has less than MinPartBytes.
	ErrPartTooSmall = errors.New("part is too small")
)
