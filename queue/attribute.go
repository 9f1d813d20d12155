package queue

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// The attributes of a queue that can be set and are carried out.
const (
	AttributeDelay       = "DelaySeconds"
	AttributeMaxSize     = "MaximumMessageSize"
	AttributeRetention   = "MessageRetentionPeriod"
	AttributeReceiveWait = "ReceiveMessageWaitTimeSeconds"
	AttributeVisibility  = "VisibilityTimeout"
	AttributeManagedSSE  = "SqsManagedSseEnabled"
	attributeKMSKey      = "KmsMasterKeyId"
	attributeKMSReuse    = "KmsDataKeyReusePeriodSeconds"
	attributePolicy      = "Policy"
	attributeRedrive     = "RedrivePolicy"
	attributeRedriveFrom = "RedriveAllowPolicy"
)

// Limits that AWS documents.
const (
	// MaxVisibility is the longest visibility timeout, from the receive on.
	MaxVisibility = 12 * time.Hour
	// MaxDelay is the longest delay of a message.
	MaxDelay = 15 * time.Minute
	// MaxWait is the longest wait of a receive.
	MaxWait = 20 * time.Second
	// MaxReceive is the largest number of messages of one receive, and of entries in a batch.
	MaxReceive = 10
	// MaxBatchBytes is the most that the bodies and attributes of one batch may have together.
	MaxBatchBytes = 1 << 20
)

// numeric says what values a numeric attribute takes.
type numeric struct {
	min, max int64
	fallback string
}

// numerics are the numeric attributes.
func numerics(name string) (numeric, bool) {
	switch name {
	case AttributeDelay:
		return numeric{0, int64(MaxDelay / time.Second), "0"}, true
	case AttributeMaxSize:
		return numeric{1024, MaxBatchBytes, "1048576"}, true
	case AttributeRetention:
		return numeric{60, 1209600, "345600"}, true
	case AttributeReceiveWait:
		return numeric{0, int64(MaxWait / time.Second), "0"}, true
	case AttributeVisibility:
		return numeric{0, int64(MaxVisibility / time.Second), "30"}, true
	}
	return numeric{}, false
}

// Settings are a queue's attributes in the room's own terms.
type Settings struct {
	// Delay is how long a message that does not say otherwise stays hidden after it was sent.
	Delay time.Duration
	// Retention is how long a message is kept.
	Retention time.Duration
	// Wait is how long a receive that does not say otherwise waits for a message.
	Wait time.Duration
	// Visibility is how long a received message stays hidden when the receive does not say otherwise.
	Visibility time.Duration
	// MaxBytes bounds a message's body and attributes together.
	MaxBytes int
}

// checkAttributes judges attributes as given to create or change a queue. It returns those to keep: settings that mean
// "none of this" are dropped. The error is an *AttributeError about the first bad one in order of names.
func checkAttributes(given map[string]string) (map[string]string, error) {
	kept := make(map[string]string, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value := given[name]
		if n, ok := numerics(name); ok {
			if v, ok := parseNumber(value); !ok || v < n.min || v > n.max {
				return nil, &AttributeError{Name: name, Problem: InvalidAttribute}
			}
			kept[name] = value
			continue
		}
		if name == AttributeManagedSSE {
			if value != "true" && value != "false" {
				return nil, &AttributeError{Name: name, Problem: InvalidAttribute}
			}
			kept[name] = value
			continue
		}
		if err := checkOther(name, value); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// checkOther judges the attributes that are not kept: only values that ask for nothing pass.
func checkOther(name, value string) error {
	what := ""
	switch name {
	case "FifoThroughputLimit", "DeduplicationScope":
		return &AttributeError{Name: name, Problem: FIFOOnlyAttribute}
	case attributePolicy:
		what = "queue policies"
	case attributeRedrive, attributeRedriveFrom:
		what = "dead-letter queues"
	case attributeKMSKey:
		what = "KMS keys"
	case attributeKMSReuse:
		if value == "300" {
			return nil
		}
		what = "KMS keys"
	default:
		return &AttributeError{Name: name, Problem: UnknownAttribute}
	}
	if value == "" {
		return nil
	}
	return &AttributeError{Name: name, Problem: UnsupportedAttribute, What: what}
}

// parseNumber reads a decimal number of digits only: AWS refuses blanks and signs.
func parseNumber(s string) (int64, bool) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil
}

// effective adds the defaults to the attributes as given.
func effective(given map[string]string) map[string]string {
	all := map[string]string{AttributeManagedSSE: "true"}
	for _, name := range []string{
		AttributeDelay, AttributeMaxSize, AttributeRetention, AttributeReceiveWait, AttributeVisibility,
	} {
		n, _ := numerics(name)
		all[name] = n.fallback
	}
	maps.Copy(all, given)
	return all
}

// settings translates attributes that passed checkAttributes.
func settings(given map[string]string) Settings {
	all := effective(given)
	number := func(name string) int64 {
		v, _ := parseNumber(all[name])
		return v
	}
	seconds := func(name string) time.Duration { return time.Duration(number(name)) * time.Second }
	return Settings{
		Delay:      seconds(AttributeDelay),
		Retention:  seconds(AttributeRetention),
		Wait:       seconds(AttributeReceiveWait),
		Visibility: seconds(AttributeVisibility),
		MaxBytes:   int(number(AttributeMaxSize)),
	}
}
