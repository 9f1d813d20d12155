package function

import (
	"encoding/base64"
	"maps"
	"slices"
	"time"

	"github.com/millrace/millrace/store"
)

// State is whether a function can be invoked.
type State string

// The states of a function.
const (
	Pending State = "Pending"
	Active  State = "Active"
	Failed  State = "Failed"
)

// UpdateStatus is how the newest change of a function went.
type UpdateStatus string

// The statuses of an update. A function that is being created has none.
const (
	UpdateInProgress UpdateStatus = "InProgress"
	UpdateSuccessful UpdateStatus = "Successful"
	UpdateFailed     UpdateStatus = "Failed"
)

// Reasons, as AWS words them, for a function or an update that is not ready yet. AWS uses the same for both.
const (
	reasonCreating     = "The function is being created."
	reasonCodeCreating = "Creating"
)

// Reason codes of failures.
const (
	reasonCodeInvalidRuntime = "InvalidRuntime"
	reasonCodeInvalidZipFile = "InvalidZipFileException"
	reasonCodeInternal       = "InternalError"
)

// Function is a snapshot of one function: a value that the room never changes after it gave it out, and whose maps and
// slices the receiver does not change either. Its JSON form is part of the store's format.
type Function struct {
	Name
	// Version is Latest, or the number of a published version.
	Version     string `json:",omitempty"`
	Runtime     string
	Handler     string
	Role        string
	Description string
	Timeout     time.Duration
	MemoryMB    int
	EphemeralMB int
	// Environment holds the user's variables; nil when none were sent, or the last were taken away, which AWS shows
	// differently from an empty set sent at the creation.
	Environment   map[string]string
	Architectures []string
	LogFormat     string
	LogGroup      string
	// ApplicationLogLevel and SystemLogLevel are what the log keeps of what the function and the platform have to say. A log of
	// plain text has none.
	ApplicationLogLevel string `json:",omitempty"`
	SystemLogLevel      string `json:",omitempty"`
	// DeadLetterARN is where events go that the function failed on, or empty.
	DeadLetterARN string `json:",omitempty"`

	// CodeBlob is the archive: the SHA-256 of its bytes, and its name among the store's blobs.
	CodeBlob store.BlobID
	// CodeSize is the archive's length in bytes.
	CodeSize int64

	// UnzippedBytes is the length of the archive's files; 0 of code that was stored before it was noted.
	UnzippedBytes int64 `json:",omitempty"`
	// Layers are in the order in which they lie over each other, the last on top.
	Layers []AttachedLayer `json:",omitempty"`

	RevisionID   string
	LastModified time.Time

	State           State
	StateReason     string
	StateReasonCode string

	LastUpdateStatus           UpdateStatus
	LastUpdateStatusReason     string
	LastUpdateStatusReasonCode string
}

// CodeSha256 returns the archive's hash as AWS shows it.
func (f Function) CodeSha256() string { return base64.StdEncoding.EncodeToString(f.CodeBlob[:]) }

// clone returns a copy that shares nothing changeable.
func (f Function) clone() Function {
	f.Environment = maps.Clone(f.Environment)
	f.Architectures = slices.Clone(f.Architectures)
	f.Layers = slices.Clone(f.Layers)
	return f
}

// withDefaults fills in what a new function leaves open.
func (f Function) withDefaults() Function {
	f.Version = Latest
	setDefault(&f.Timeout, 3*time.Second)
	setDefault(&f.MemoryMB, 128)
	setDefault(&f.EphemeralMB, 512)
	setDefault(&f.LogFormat, LogText)
	setDefault(&f.LogGroup, defaultLogGroup(f.Name))
	if len(f.Architectures) == 0 {
		f.Architectures = []string{"x86_64"}
	}
	return f.withLogLevels()
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
