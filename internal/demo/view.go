package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// shownLetters is how many dead letters the summary prints; --json has them all.
const shownLetters = 8

// view writes what the demo shows: in place on a terminal, line by line elsewhere, nothing but the summary for JSON.
type view struct {
	out    io.Writer
	live   bool
	quiet  bool
	latest time.Time // of the last line of progress
	open   bool      // a progress line stands unfinished on the terminal
}

func newView(o Options) *view {
	return &view{out: o.Stdout, live: o.Live && !o.JSON, quiet: o.JSON}
}

// step tells of something that was set up.
func (v *view) step(what, format string, a ...any) {
	if !v.quiet {
		fmt.Fprintf(v.out, "  %-9s %s\n", what, fmt.Sprintf(format, a...))
	}
}

// progress shows how far things are: redrawn on a terminal, once a second elsewhere.
func (v *view) progress(put int64, page mappingPage) {
	if v.quiet || (!v.live && time.Since(v.latest) < time.Second) {
		return
	}
	v.latest = time.Now()
	s := page.Stats
	line := fmt.Sprintf("put %d   delivered %d   refused %d   invocations %d   retries %d   splits %d",
		put, s.Delivered, s.Discarded, s.Invocations, s.Retries, s.Splits)
	if !v.live {
		fmt.Fprintf(v.out, "  progress  %s\n", line)
		return
	}
	fmt.Fprintf(v.out, "\r\x1b[K  %s  %s", bar(put, s.Delivered+s.Discarded), line)
	v.open = true
}

// bar draws how much of put is handled.
func bar(put, handled int64) string {
	const width = 24
	filled := int64(0)
	if put > 0 {
		filled = min(handled*width/put, width)
	}
	return "[" + strings.Repeat("=", int(filled)) + strings.Repeat(" ", int(width-filled)) + "]"
}

// summary writes the end of the demo.
func (v *view) summary(s Summary) error {
	if v.quiet {
		e := json.NewEncoder(v.out)
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	if v.open {
		fmt.Fprint(v.out, "\r\x1b[K")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%d records put, %d delivered, %d refused, in %.1f s\n\n", s.RecordsPut, s.Delivered, s.DeadLettered, s.Seconds)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "  invocations\t%d\t(%d retries, %d splits)\n", s.Invocations, s.Retries, s.Splits)
	fmt.Fprintf(t, "  put to invoke\tp50 %.2f ms\tp99 %.2f ms\t(shard free: nothing of it was being retried)\n", s.PutToInvokeFreeLane.P50, s.PutToInvokeFreeLane.P99)
	fmt.Fprintf(t, "  put to invoke\tp50 %.2f ms\tp99 %.2f ms\t(all: waits behind refused records included)\n", s.PutToInvoke.P50, s.PutToInvoke.P99)
	fmt.Fprintf(t, "  order\t%s\t(the handler's own ledger, key by key)\n", s.orderText())
	t.Flush()
	fmt.Fprint(&b, "\n  shard                 delivered  refused\n")
	for _, shard := range s.Shards {
		fmt.Fprintf(&b, "  %-20s  %9d  %7d\n", shard.ShardID, shard.Delivered, shard.DeadLettered)
	}
	writeLetters(&b, s.DeadLetters)
	writeNext(&b, s)
	_, err := io.WriteString(v.out, b.String())
	return err
}

func (s Summary) orderText() string {
	if s.OutOfOrder+s.Repeated+s.Missing == 0 {
		return "kept, nothing lost, nothing twice"
	}
	return fmt.Sprintf("BROKEN: %d late, %d twice, %d missing", s.OutOfOrder, s.Repeated, s.Missing)
}

func writeLetters(b *strings.Builder, letters []DeadLetter) {
	if len(letters) == 0 {
		return
	}
	fmt.Fprintf(b, "\nIn the queue %s, each cut out of its batch and tried %d times:\n", queueName, letters[0].InvokeCount)
	for _, l := range letters[:min(len(letters), shownLetters)] {
		data := l.Data
		if len(data) > 150 {
			data = data[:150] + "…"
		}
		fmt.Fprintf(b, "  %s %s %s\n", l.ShardID, l.PartitionKey, data)
	}
	if more := len(letters) - shownLetters; more > 0 {
		fmt.Fprintf(b, "  … and %d more (--json shows all)\n", more)
	}
}

func writeNext(b *strings.Builder, s Summary) {
	fmt.Fprintf(b, `
Everything is still in %[1]s. To go on with it:
  go run ./cmd/millrace up --data-dir %[1]s
and in another terminal, with any AWS client:
  export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo AWS_DEFAULT_REGION=%[2]s
  aws --endpoint-url $AWS_ENDPOINT_URL lambda get-event-source-mapping --uuid %[3]s
  aws --endpoint-url $AWS_ENDPOINT_URL kinesis put-record --stream-name %[4]s --partition-key us --data '{"mag":-1}' --cli-binary-format raw-in-base64-out
  aws --endpoint-url $AWS_ENDPOINT_URL sqs receive-message --queue-url $AWS_ENDPOINT_URL/%[5]s/%[6]s
`, s.DataDir, region, s.Mapping, streamName, account, queueName)
}
