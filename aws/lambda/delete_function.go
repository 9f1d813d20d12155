package lambda

import (
	"context"
	"net/http"
	"strings"

	"github.com/millrace/millrace/function"
)

// DeleteFunction removes a function, or a version. Invocations under way finish, and mappings to it stay. A version that is
// not there is deleted without complaint, as AWS does.
func (d *Door) DeleteFunction(ctx context.Context, in *DeleteFunctionRequest) (*DeleteFunctionResponse, error) {
	ref, err := functionRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	switch {
	case ref.Qualifier == "":
		err = d.Functions.Delete(ctx, ref.Name)
	case ref.Qualifier == function.Latest:
		return nil, invalid("$LATEST version cannot be deleted without deleting the function.")
	case strings.Trim(ref.Qualifier, "0123456789") != "" && !strings.Contains(ref.Qualifier, "$"): // a name is an alias's
		return nil, invalid("Deletion of aliases is not currently supported.")
	default:
		err = d.Functions.DeleteVersion(ctx, ref.Name, ref.Qualifier)
	}
	if err != nil {
		return nil, translate(err)
	}
	return &DeleteFunctionResponse{StatusCode: new(http.StatusNoContent)}, nil
}
