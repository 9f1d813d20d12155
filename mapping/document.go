package mapping

import (
	"strconv"
	"time"

	"github.com/millrace/millrace/stream"
)

// document is the message that an on-failure destination receives for records that were given up.
type document struct {
	RequestID   string // of the last invocation, a fresh one when there was none
	FunctionARN string // with the qualifier as the mapping has it
	Condition   condition
	InvokeCount int
	Response    *response // nil leaves responseContext out
	Time        time.Time // of the decision
	Shard       stream.Shard
	SourceARN   string
	Records     []stream.Record // the ones given up; none for the final invocation of a window
	Window      *tumbling       // that they are part of; nil where the mapping has none
	Event       []byte          // the whole event, when the document is to hold it
}

// response is what the function answered to the last attempt.
type response struct {
	ExecutedVersion string
	// FunctionError is Unhandled or Handled; "" is written as null, which is how a response without an error that
	// counts as a failure looks.
	FunctionError string
}

// append writes the document's JSON in AWS's order of keys.
func (d *document) append(dst []byte) []byte {
	dst = append(dst, `{"requestContext":{"requestId":"`...)
	dst = appendString(dst, d.RequestID)
	dst = append(dst, `","functionArn":"`...)
	dst = appendString(dst, d.FunctionARN)
	dst = append(dst, `","condition":"`...)
	dst = append(dst, d.Condition...)
	dst = append(dst, `","approximateInvokeCount":`...)
	dst = strconv.AppendInt(dst, int64(d.InvokeCount), 10)
	dst = append(dst, '}')
	if d.Response != nil {
		dst = d.Response.append(dst)
	}
	dst = append(dst, `,"version":"1.0","timestamp":"`...)
	dst = appendTime(dst, d.Time)
	dst = append(dst, `","KinesisBatchInfo":`...)
	dst = d.appendBatchInfo(dst)
	if d.Window != nil {
		dst = d.appendWindowInfo(dst)
	}
	if d.Event != nil {
		dst = append(dst, `,"payload":"`...)
		dst = appendString(dst, string(d.Event))
		dst = append(dst, '"')
	}
	return append(dst, '}')
}

func (d *document) appendWindowInfo(dst []byte) []byte {
	final := len(d.Records) == 0
	dst = append(dst, `,"timeWindowInfo":{"window":{"start":"`...)
	dst = appendSecond(dst, d.Window.Start)
	dst = append(dst, `","end":"`...)
	dst = appendSecond(dst, d.Window.End)
	dst = append(dst, `"},"isFinalInvokeForWindow":`...)
	dst = strconv.AppendBool(dst, final)
	dst = append(dst, `,"isWindowTerminatedEarly":`...)
	return append(strconv.AppendBool(dst, final && d.Window.overflows()), '}')
}

func (r *response) append(dst []byte) []byte {
	dst = append(dst, `,"responseContext":{"statusCode":200,"executedVersion":"`...)
	dst = appendString(dst, r.ExecutedVersion)
	dst = append(dst, `","functionError":`...)
	if r.FunctionError == "" {
		return append(dst, `null}`...)
	}
	dst = append(dst, '"')
	dst = appendString(dst, r.FunctionError)
	return append(dst, `"}`...)
}

func (d *document) appendBatchInfo(dst []byte) []byte {
	dst = append(dst, `{"shardId":"`...)
	dst = append(dst, d.Shard.ID()...)
	dst = append(dst, '"')
	if len(d.Records) > 0 {
		dst = d.appendRange(dst)
	}
	dst = append(dst, `,"streamArn":"`...)
	dst = appendString(dst, d.SourceARN)
	return append(dst, `"}`...)
}

// appendRange says which the records are.
func (d *document) appendRange(dst []byte) []byte {
	first, last := &d.Records[0], &d.Records[len(d.Records)-1]
	dst = append(dst, `,"startSequenceNumber":"`...)
	dst = d.Shard.SequenceNumber(first.Position, first.Arrival).AppendTo(dst)
	dst = append(dst, `","endSequenceNumber":"`...)
	dst = d.Shard.SequenceNumber(last.Position, last.Arrival).AppendTo(dst)
	dst = append(dst, `","approximateArrivalOfFirstRecord":"`...)
	dst = appendTime(dst, first.Arrival)
	dst = append(dst, `","approximateArrivalOfLastRecord":"`...)
	dst = appendTime(dst, last.Arrival)
	dst = append(dst, `","batchSize":`...)
	return strconv.AppendInt(dst, int64(len(d.Records)), 10)
}

// appendTime writes a time in UTC with milliseconds.
func appendTime(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}
