package queue

import (
	"maps"
	"slices"
	"strconv"
	"strings"
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
	attributeAllow       = "RedriveAllowPolicy"
	attributeFIFO        = "FifoQueue"
	attributeContent     = "ContentBasedDeduplication"
	attributeScope       = "DeduplicationScope"
	attributeThroughput  = "FifoThroughputLimit"
)

// Values of attributes that FIFO queues have.
const (
	scopeQueue      = "queue"
	scopeGroup      = "messageGroup"
	throughputQueue = "perQueue"
	throughputGroup = "perMessageGroupId"
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
	// FIFO is true for FIFO queues. ContentDeduplication lets a message without a deduplication id take its body's hash,
	// DeduplicateGroups makes ids count within their message group alone.
	FIFO, ContentDeduplication, DeduplicateGroups bool
	// Redrive is the redrive policy, RedriveAllow the word on those of others; nil when there is none.
	Redrive      *Redrive
	RedriveAllow *RedriveAllow
}

// checkAttributes judges attributes as given to create or change a queue. It returns those to keep; "" takes one back.
// The error is an *AttributeError or a *RedriveError about the first bad one in order of names.
func checkAttributes(name Name, given map[string]string) (map[string]string, error) {
	kept := make(map[string]string, len(given))
	for _, attribute := range slices.Sorted(maps.Keys(given)) {
		value := given[attribute]
		var err error
		if n, ok := numerics(attribute); ok {
			if v, ok := parseNumber(value); !ok || v < n.min || v > n.max {
				err = &AttributeError{Name: attribute, Problem: InvalidAttribute}
			}
		} else if slices.Contains(fifoAttributes, attribute) {
			value, err = checkFIFO(name, attribute, value)
		} else {
			value, err = checkOther(attribute, value)
		}
		if err != nil {
			return nil, err
		}
		kept[attribute] = value
	}
	delete(kept, attributeKMSKey)
	delete(kept, attributeKMSReuse)
	return kept, nil
}

// fifoAttributes are those that only FIFO queues have.
var fifoAttributes = []string{attributeFIFO, attributeContent, attributeScope, attributeThroughput}

// checkFIFO judges an attribute that only FIFO queues have, and returns it as AWS keeps it.
func checkFIFO(name Name, attribute, value string) (string, error) {
	if !name.FIFO() {
		if attribute == attributeFIFO || attribute == attributeContent {
			return "", &AttributeError{Name: attribute, Problem: UnknownAttribute}
		}
		return "", &AttributeError{Name: attribute, Problem: FIFOOnlyAttribute}
	}
	valid := false
	switch attribute {
	case attributeScope:
		valid = value == scopeQueue || value == scopeGroup
	case attributeThroughput:
		valid = value == throughputQueue || value == throughputGroup
	default:
		value, valid = parseBool(value)
	}
	switch {
	case !valid:
		return "", &AttributeError{Name: attribute, Problem: InvalidAttribute}
	case attribute == attributeFIFO && value != "true":
		return "", &AttributeError{Name: attribute, Problem: FixedAttribute}
	}
	return value, nil
}

// checkOther judges an attribute that is neither a number nor a FIFO queue's.
func checkOther(attribute, value string) (string, error) {
	invalid := &AttributeError{Name: attribute, Problem: InvalidAttribute}
	switch attribute {
	case AttributeManagedSSE:
		v, ok := parseBool(value)
		if !ok {
			return "", invalid
		}
		return v, nil
	case attributeKMSKey, attributeKMSReuse:
		if value == "" || attribute == attributeKMSReuse && value == "300" {
			return "", nil
		}
		return "", &AttributeError{Name: attribute, Problem: UnsupportedAttribute, What: "KMS keys"}
	case attributePolicy:
		if value != "" && !validPolicy(value) {
			return "", invalid
		}
		return value, nil
	case attributeRedrive, attributeAllow:
		return value, checkPolicy(attribute, value)
	}
	return "", &AttributeError{Name: attribute, Problem: UnknownAttribute}
}

// checkPolicy judges a redrive or a redrive allow policy by itself.
func checkPolicy(attribute, value string) error {
	if value == "" {
		return nil
	}
	problem := RedriveProblem(0)
	if attribute == attributeRedrive {
		_, problem = parseRedrive(value)
	} else {
		_, problem = parseRedriveAllow(value)
	}
	if problem != 0 {
		return &RedriveError{Attribute: attribute, Value: value, Problem: problem, Found: receiveCount(value)}
	}
	return nil
}

// checkTogether judges what a queue's attributes come to: groups are throttled one by one only if each deduplicates for
// itself.
func checkTogether(all map[string]string) error {
	if all[attributeThroughput] == throughputGroup && all[attributeScope] != scopeGroup {
		return &AttributeError{Name: attributeThroughput, Problem: ThroughputNeedsScope}
	}
	return nil
}

// merge lays changes over attributes. A change to "" takes the attribute back.
func merge(before, changes map[string]string) map[string]string {
	after := make(map[string]string, len(before)+len(changes))
	maps.Copy(after, before)
	maps.Copy(after, changes)
	maps.DeleteFunc(after, func(_, value string) bool { return value == "" })
	return after
}

// parseBool reads a truth value in any case, as AWS does, and returns it in small letters.
func parseBool(s string) (string, bool) {
	s = strings.ToLower(s)
	return s, s == "true" || s == "false"
}

// parseNumber reads a decimal number of digits only: AWS refuses blanks and signs.
func parseNumber(s string) (int64, bool) {
	if s == "" {
		return 0, false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil
}

// effective adds the defaults to the attributes as given.
func effective(name Name, given map[string]string) map[string]string {
	all := map[string]string{AttributeManagedSSE: "true"}
	for _, attribute := range []string{
		AttributeDelay, AttributeMaxSize, AttributeRetention, AttributeReceiveWait, AttributeVisibility,
	} {
		n, _ := numerics(attribute)
		all[attribute] = n.fallback
	}
	if name.FIFO() {
		all[attributeFIFO], all[attributeContent] = "true", "false"
		all[attributeScope], all[attributeThroughput] = scopeQueue, throughputQueue
	}
	maps.Copy(all, given)
	return all
}

// settings translates attributes that passed checkAttributes.
func settings(name Name, given map[string]string) Settings {
	all := effective(name, given)
	number := func(name string) int64 {
		v, _ := parseNumber(all[name])
		return v
	}
	seconds := func(name string) time.Duration { return time.Duration(number(name)) * time.Second }
	s := Settings{
		Delay:                seconds(AttributeDelay),
		Retention:            seconds(AttributeRetention),
		Wait:                 seconds(AttributeReceiveWait),
		Visibility:           seconds(AttributeVisibility),
		MaxBytes:             int(number(AttributeMaxSize)),
		FIFO:                 name.FIFO(),
		ContentDeduplication: all[attributeContent] == "true",
		DeduplicateGroups:    all[attributeScope] == scopeGroup,
	}
	s.Redrive, _ = parseRedrive(all[attributeRedrive])
	s.RedriveAllow, _ = parseRedriveAllow(all[attributeAllow])
	return s
}
