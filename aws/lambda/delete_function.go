package lambda

import (
	"context"
	"net/http"

	"github.com/millrace/millrace/function"
)

// DeleteFunction removes a function. Invocations under way finish, and mappings to it stay. A version that is not there
// is deleted without complaint, as AWS does.
func (d *Door) DeleteFunction(ctx context.Context, in *DeleteFunctionRequest) (*DeleteFunctionResponse, error) {
	ref, err := functionRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	switch ref.Qualifier {
	case "":
		err = d.Functions.Delete(ctx, ref.Name)
	case function.Latest:
		return nil, invalid("$LATEST version cannot be deleted without deleting the function.")
	default:
		_, err = d.Functions.Get(ctx, ref.Name)
	}
	if err != nil {
		return nil, translate(err)
	}
	return &DeleteFunctionResponse{StatusCode: new(http.StatusNoContent)}, nil
}
