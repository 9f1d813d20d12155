package demo

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/events"

	"github.com/millrace/millrace/internal/bootstrap"
)

// HandlerName is the Handler setting of the demo's function.
const HandlerName = "demo"

// ledgerVariable names the environment variable that tells the handler where its ledger is.
const ledgerVariable = "DEMO_LEDGER"

// quake is the part of an event that the handler judges by.
type quake struct {
	Magnitude *float64 `json:"mag"`
}

// refused says why the handler does not take an event; nil when it does.
func refused(data []byte) error {
	var q quake
	if err := json.Unmarshal(data, &q); err != nil {
		return fmt.Errorf("not a JSON object: %w", err)
	}
	if q.Magnitude != nil && *q.Magnitude < 0 {
		return fmt.Errorf("negative magnitude %g", *q.Magnitude)
	}
	return nil
}

// ServeHandler runs the demo's function: it is what this program does when it finds itself started as a `bootstrap`. It
// returns the error by which the runtime has gone away.
func ServeHandler() error {
	return bootstrap.Serve(bootstrap.Taking(handle))
}

// handle judges the whole batch before it takes any of it, as a handler with side effects should: a refused batch
// leaves no trace, and so no record is taken twice when the batch is split and sent again.
func handle(event events.KinesisEvent) error {
	for i := range event.Records {
		if err := refused(event.Records[i].Kinesis.Data); err != nil {
			return fmt.Errorf("%s: %w", event.Records[i].Kinesis.SequenceNumber, err)
		}
	}
	return writeLedger(os.Getenv(ledgerVariable), event.Records)
}
