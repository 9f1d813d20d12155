package sqs

import (
	"context"
	"slices"
	"strconv"

	"github.com/millrace/millrace/queue"
)

// GetQueueAttributes returns the attributes that were asked for by name; none when none was. Those that only other
// kinds of queues have are unknown here, and those that are not set are left out.
func (d *Door) GetQueueAttributes(
	ctx context.Context, in *GetQueueAttributesRequest,
) (*GetQueueAttributesResult, error) {
	call, name, err := ask(ctx, in.QueueUrl)
	f := facts{call: call}
	if err != nil {
		return nil, err
	}
	q, err := d.Queues.Describe(ctx, name)
	if err != nil {
		return nil, f.translate(err)
	}
	for _, n := range in.AttributeNames {
		if !readable(n) && !(q.Settings.FIFO && ordered(n)) {
			return nil, fault(ErrorInvalidAttributeName, "Unknown Attribute "+n+".")
		}
	}
	all := q.Attributes
	all[QueueAttributeNameQueueArn] = name.ARN()
	all[QueueAttributeNameCreatedTimestamp] = strconv.FormatInt(q.Created.Unix(), 10)
	all[QueueAttributeNameLastModifiedTimestamp] = strconv.FormatInt(q.Modified.Unix(), 10)
	everything := slices.Contains(in.AttributeNames, QueueAttributeNameAll)
	if everything || slices.ContainsFunc(in.AttributeNames, counted) {
		counts, err := d.Queues.Count(ctx, name)
		if err != nil {
			return nil, f.translate(err)
		}
		addCounts(all, counts)
	}
	if everything {
		return &GetQueueAttributesResult{Attributes: all}, nil
	}
	out := new(GetQueueAttributesResult)
	for _, n := range in.AttributeNames {
		if v, ok := all[n]; ok {
			if out.Attributes == nil {
				out.Attributes = make(map[string]string, len(in.AttributeNames))
			}
			out.Attributes[n] = v
		}
	}
	return out, nil
}

// readable reports whether a standard queue may be asked for the attribute.
func readable(name string) bool {
	switch name {
	case QueueAttributeNameAll, QueueAttributeNamePolicy, QueueAttributeNameVisibilityTimeout,
		QueueAttributeNameMaximumMessageSize, QueueAttributeNameMessageRetentionPeriod,
		QueueAttributeNameCreatedTimestamp, QueueAttributeNameLastModifiedTimestamp, QueueAttributeNameQueueArn,
		QueueAttributeNameDelaySeconds, QueueAttributeNameReceiveMessageWaitTimeSeconds,
		QueueAttributeNameRedrivePolicy, QueueAttributeNameRedriveAllowPolicy, QueueAttributeNameKmsMasterKeyId,
		QueueAttributeNameKmsDataKeyReusePeriodSeconds, QueueAttributeNameSqsManagedSseEnabled:
		return true
	}
	return counted(name)
}

// ordered reports whether the attribute is one that only FIFO queues have.
func ordered(name string) bool {
	switch name {
	case QueueAttributeNameFifoQueue, QueueAttributeNameContentBasedDeduplication, QueueAttributeNameDeduplicationScope,
		QueueAttributeNameFifoThroughputLimit:
		return true
	}
	return false
}

// counted reports whether the attribute is a number of messages.
func counted(name string) bool {
	switch name {
	case QueueAttributeNameApproximateNumberOfMessages, QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		QueueAttributeNameApproximateNumberOfMessagesDelayed:
		return true
	}
	return false
}

func addCounts(all map[string]string, c queue.Counts) {
	all[QueueAttributeNameApproximateNumberOfMessages] = strconv.FormatInt(c.Visible, 10)
	all[QueueAttributeNameApproximateNumberOfMessagesNotVisible] = strconv.FormatInt(c.InFlight, 10)
	all[QueueAttributeNameApproximateNumberOfMessagesDelayed] = strconv.FormatInt(c.Delayed, 10)
}
