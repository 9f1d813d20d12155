package sqs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/queue"
)

// maxEntryID is the longest id of a batch's entry.
const maxEntryID = 80

// checkBatch judges a batch by the ids of its entries: there are one to ten, each well made and none twice.
func checkBatch(operation string, ids []string) error {
	if len(ids) == 0 {
		return fault(ErrorEmptyBatchRequest,
			"There should be at least one "+operation+"RequestEntry in the request.")
	}
	if len(ids) > queue.MaxReceive {
		return fault(ErrorTooManyEntriesInBatchRequest, fmt.Sprintf(
			"Maximum number of entries per request are %d. You have sent %d.", queue.MaxReceive, len(ids)))
	}
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if !validEntryID(id) {
			return fault(ErrorInvalidBatchEntryId, "A batch entry id can only contain alphanumeric characters, hyphens "+
				"and underscores. It can be at most 80 letters long.")
		}
		if seen[id] {
			return fault(ErrorBatchEntryIdsNotDistinct, "Id "+id+" repeated.")
		}
		seen[id] = true
	}
	return nil
}

// validEntryID follows the same rule as the names of standard queues.
func validEntryID(id string) bool {
	return len(id) <= maxEntryID && queue.ValidName(id) && !strings.Contains(id, ".")
}

// checkOrder judges what a FIFO queue wants to know of each entry. As on AWS an entry that does not say fails the batch.
func checkOrder(q queue.Queue, entries []SendMessageBatchRequestEntry) error {
	for i := range entries {
		switch e := &entries[i]; {
		case !q.Settings.FIFO:
		case e.MessageDeduplicationId == nil && !q.Settings.ContentDeduplication:
			return invalidValue(noDeduplication)
		case e.MessageGroupId == nil:
			return invalidValue("The request must contain the parameter MessageGroupId.")
		}
	}
	return nil
}

// idsOf lists the entries' ids.
func idsOf[E any](entries []E, id func(*E) string) []string {
	ids := make([]string, len(entries))
	for i := range entries {
		ids[i] = id(&entries[i])
	}
	return ids
}

// failedEntry words the failure of one entry. It is false for errors that are nobody's fault but ours, which fail the
// whole call.
func failedEntry(id string, err error) (BatchResultErrorEntry, bool) {
	var e *protocol.Error
	if !errors.As(err, &e) {
		return BatchResultErrorEntry{}, false
	}
	return BatchResultErrorEntry{Id: id, SenderFault: true, Code: e.Code, Message: protocol.Optional(e.Message)}, true
}

// sendFailure words what AWS words differently when it fails an entry of SendMessageBatch.
func sendFailure(err error) error {
	var e *protocol.Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case e.Code == ErrorMissingParameter:
		return fault("EmptyValue", e.Message)
	case strings.HasPrefix(e.Message, "One or more parameters are invalid."):
		return fault(e.Code, strings.Replace(e.Message, "are invalid", "cannot be validated", 1))
	}
	return err
}
