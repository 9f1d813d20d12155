package demo

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-lambda-go/events"
)

// makeLedger makes a folder for the ledger, in which the function may write, whoever it runs as, and returns the ledger's
// path.
func makeLedger(dataDir string) (string, error) {
	dir, err := filepath.Abs(filepath.Join(dataDir, "demo"))
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = os.Chmod(dir, 0o777) //nolint:gosec // the folder above it is the user's own
	}
	return filepath.Join(dir, "ledger.tsv"), err
}

// writeLedger adds a line for each record: sequence number, partition key. It is one write call, so that instances that
// run at the same time do not tear each other's lines. It begins with a line of its own: a process that is killed may
// leave half a line, which must not become the beginning of another one.
func writeLedger(path string, records []events.KinesisEventRecord) error {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	lines := []byte{'\n'}
	for i := range records {
		lines = fmt.Appendf(lines, "%s\t%q\n", records[i].Kinesis.SequenceNumber, records[i].Kinesis.PartitionKey)
	}
	if _, err := f.Write(lines); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// account of what the function took, read from its ledger.
type taken struct {
	Records    int64 // different records
	Repeated   int64 // lines whose record was there before
	OutOfOrder int64 // records that came after a later one of the same key
	Missing    int64 // records that should be there and are not
}

// readLedger holds the ledger against wanted, the number of records to find by key. Within a key, sequence numbers rise:
// so a repeated or late record shows without remembering more than the last one of each key.
func readLedger(path string, wanted map[string]int64) (taken, error) {
	var t taken
	found, last := map[string]int64{}, map[string]string{}
	f, err := os.Open(path)
	if err != nil && !os.IsNotExist(err) {
		return t, err
	}
	if err == nil {
		defer f.Close()
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if len(lines.Bytes()) == 0 {
				continue
			}
			var number, key string
			if _, err := fmt.Sscanf(lines.Text(), "%s\t%q", &number, &key); err != nil {
				return t, fmt.Errorf("ledger line %q: %w", lines.Text(), err)
			}
			switch before := last[key]; {
			case number == before:
				t.Repeated++
				continue
			case less(number, before):
				t.OutOfOrder++
			default:
				last[key] = number
			}
			found[key]++
			t.Records++
		}
		if err := lines.Err(); err != nil {
			return t, err
		}
	}
	for key, n := range wanted {
		t.Missing += max(n-found[key], 0)
	}
	return t, nil
}

// less compares two sequence numbers, decimal numbers without leading zeros.
func less(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}
