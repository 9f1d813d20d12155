package logs

import (
	"maps"
	"slices"
	"time"
)

// Scope is what groups belong to.
type Scope struct {
	Account string // 12 digits
	Region  string
}

// Name names a group.
type Name struct {
	Scope
	Group string
}

// MaxTags is how many tags a group can have.
const MaxTags = 50

// Group is a snapshot of a group, with tags that are the receiver's own.
type Group struct {
	Name
	Created time.Time
	// RetentionDays is how long events are kept, 0 when it is not limited.
	RetentionDays int
	// Protected says that the group cannot be deleted.
	Protected bool
	Tags      map[string]string
	// StoredBytes is the size of the events that are kept.
	StoredBytes int64
}

// Settings are what a new group begins with.
type Settings struct {
	Protected bool
	Tags      map[string]string
}

// retentions are the periods that AWS offers, in days.
var retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// Retentions returns the retention periods that there are, in days.
func Retentions() []int { return slices.Clone(retentions) }

// groupRow is how a group is kept.
type groupRow struct {
	Number    uint64            `json:"number"` // of its log, never used again
	Account   string            `json:"account"`
	Region    string            `json:"region"`
	Name      string            `json:"name"`
	Created   int64             `json:"created"` // milliseconds of Unix time, as all times here
	Retention int               `json:"retention,omitempty"`
	Protected bool              `json:"protected,omitempty"`
	Tags      map[string]string `json:"tags,omitempty"`
	// NextStream is the number of the next stream. Numbers are not used again, so that events of a deleted stream are nobody's.
	NextStream uint32 `json:"nextStream"`
}

func (r groupRow) name() Name { return Name{Scope{r.Account, r.Region}, r.Name} }

// snapshot returns the group as others see it.
func (r groupRow) snapshot(bytes int64) Group {
	return Group{
		Name: r.name(), Created: time.UnixMilli(r.Created), RetentionDays: r.Retention,
		Protected: r.Protected, Tags: maps.Clone(r.Tags), StoredBytes: bytes,
	}
}
