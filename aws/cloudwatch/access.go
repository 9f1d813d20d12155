package cloudwatch

import (
	"context"

	"github.com/millrace/millrace/aws/protocol"
)

// access names the action; metrics are no resources. What is put may be limited by its namespace.
func access(ctx context.Context, in protocol.Input) ([]protocol.Access, error) {
	call := protocol.CallFrom(ctx)
	a := protocol.Access{Action: "cloudwatch:" + call.Operation, Resource: "*"}
	if put, ok := in.(*PutMetricDataInput); ok {
		a.Keys = map[string][]string{"cloudwatch:namespace": {put.Namespace}}
	}
	return []protocol.Access{a}, nil
}
