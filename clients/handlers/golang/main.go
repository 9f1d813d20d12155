// Command golang is a function on aws-lambda-go that takes orders from a stream and names those that are none.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func main() { lambda.Start(handle) }

func handle(ctx context.Context, event events.KinesisEvent) (response events.KinesisEventResponse, err error) {
	var labels []string
	for _, r := range event.Records {
		order := string(r.Kinesis.Data)
		labels = append(labels, order)
		if strings.HasPrefix(order, "bad") {
			response.BatchItemFailures = append(response.BatchItemFailures, events.KinesisBatchItemFailure{ItemIdentifier: r.Kinesis.SequenceNumber})
		}
	}
	return response, write(ctx, labels)
}

// write notes what one invocation was given.
func write(ctx context.Context, labels []string) error {
	var request string
	if invoked, ok := lambdacontext.FromContext(ctx); ok {
		request = invoked.AwsRequestID
	}
	line, err := json.Marshal(map[string]any{"Request": request, "Labels": labels})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(os.Getenv("LEDGER"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}
