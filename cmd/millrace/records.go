package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/millrace/millrace/stream/aggregate"
)

// recordsCall is a call of millrace records.
type recordsCall struct {
	source streamSource
	file   string
	limit  int
	left   int // how many may still be shown, when there is a limit
	out    *bufio.Writer
}

// errShown says that as many records have been shown as were wanted.
var errShown = errors.New("enough")

// showRecords prints the records of a stream, or payloads from a file.
func showRecords(ctx context.Context, args []string, std stdio) error {
	c := recordsCall{out: bufio.NewWriter(std.out)}
	fs := newFlags("records", "Prints the records of a stream as lines of JSON, as any client of it reads them; or payloads in base64, one a line of a file.\n"+
		"A record that the Kinesis Producer Library aggregated is shown with the records in it.", std)
	fs.StringVar(&c.source.stream, "stream", "", "`name` or ARN of the stream")
	fs.Var((*list)(&c.source.shards), "shard", "`id` of a shard, by default all; may be given again")
	fs.StringVar(&c.source.from, "from", "trim-horizon", "`where` to begin: trim-horizon, latest, a time such as 2006-01-02T15:04:05Z, or a sequence number (with one shard)")
	fs.BoolVar(&c.source.follow, "follow", false, "wait for more instead of ending at the newest record")
	fs.StringVar(&c.source.url, "endpoint-url", cmp.Or(os.Getenv("AWS_ENDPOINT_URL_KINESIS"), os.Getenv("AWS_ENDPOINT_URL"), "http://127.0.0.1:4566"),
		"`URL` of the server; by default that of AWS_ENDPOINT_URL_KINESIS or AWS_ENDPOINT_URL, if there is one")
	fs.StringVar(&c.source.region, "region", cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1"),
		"`region` of the stream; by default that of AWS_REGION or AWS_DEFAULT_REGION, if there is one")
	fs.StringVar(&c.file, "file", "", "`file` of payloads in base64, - for the standard input, instead of a stream")
	fs.IntVar(&c.limit, "limit", 0, "how many records to print, 0 for all")
	if err := parse(fs, args); err != nil {
		return err
	}
	if (c.source.stream == "") == (c.file == "") {
		return &usageError{errors.New("--stream or --file is required, and not both")}
	}
	if c.limit < 0 {
		return &usageError{fmt.Errorf("limit %d is negative", c.limit)}
	}
	c.left = c.limit
	err := c.read(ctx, std)
	if errors.Is(err, errShown) {
		err = nil
	}
	return errors.Join(err, c.out.Flush())
}

func (c *recordsCall) read(ctx context.Context, std stdio) error {
	if c.file != "" {
		return c.readFile(std)
	}
	err := c.source.read(ctx, c.showPage)
	if ctx.Err() != nil && c.source.follow {
		return nil // which is how one ends it
	}
	return err
}

// readFile shows the payloads of a file.
func (c *recordsCall) readFile(std stdio) error {
	in := io.NopCloser(std.in)
	if c.file != "-" {
		var err error
		if in, err = os.Open(c.file); err != nil {
			return err
		}
	}
	defer in.Close()
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, base64.StdEncoding.EncodedLen(maxPayload))
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		payload, err := base64.StdEncoding.DecodeString(string(line))
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := c.show(newRecordLine(payload)); err != nil {
			return err
		}
	}
	return lines.Err()
}

// maxPayload is more than the largest payload of a record.
const maxPayload = 11 << 20

// recordLine is a record as it is printed. One that is aggregated has the records in it in place of its payload.
type recordLine struct {
	Shard          string      `json:"shardId,omitempty"`
	SequenceNumber string      `json:"sequenceNumber,omitempty"`
	Arrival        string      `json:"approximateArrivalTimestamp,omitempty"`
	PartitionKey   string      `json:"partitionKey,omitempty"`
	Aggregated     []innerLine `json:"aggregated,omitempty"`
	*payloadLine
}

// innerLine is a record in an aggregated one.
type innerLine struct {
	PartitionKey    string `json:"partitionKey"`
	ExplicitHashKey string `json:"explicitHashKey,omitempty"`
	payloadLine
}

// payloadLine is a payload: in base64, and as text if it is one.
type payloadLine struct {
	Data []byte  `json:"data"`
	Text *string `json:"text,omitempty"`
}

func newPayloadLine(payload []byte) payloadLine {
	p := payloadLine{Data: payload}
	if utf8.Valid(payload) {
		p.Text = new(string(payload))
	}
	return p
}

func newRecordLine(payload []byte) recordLine {
	inner, ok := aggregate.Decode(payload)
	if !ok {
		return recordLine{payloadLine: new(newPayloadLine(payload))}
	}
	var line recordLine
	for _, r := range inner {
		line.Aggregated = append(line.Aggregated, innerLine{r.PartitionKey, r.ExplicitHashKey, newPayloadLine(r.Data)})
	}
	return line
}

// showPage shows records of a shard, at once.
func (c *recordsCall) showPage(shard string, records []types.Record) error {
	for _, r := range records {
		line := newRecordLine(r.Data)
		line.Shard, line.SequenceNumber, line.PartitionKey = shard, *r.SequenceNumber, *r.PartitionKey
		if r.ApproximateArrivalTimestamp != nil {
			line.Arrival = r.ApproximateArrivalTimestamp.UTC().Format(time.RFC3339Nano)
		}
		if err := c.show(line); err != nil {
			return err
		}
	}
	return c.out.Flush()
}

func (c *recordsCall) show(line recordLine) error {
	text := json.NewEncoder(c.out)
	text.SetEscapeHTML(false)
	if err := text.Encode(line); err != nil {
		return err
	}
	if c.left--; c.left == 0 {
		return errShown
	}
	return nil
}
