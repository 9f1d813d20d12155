package logs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/millrace/millrace/logs"
)

// PutRetentionPolicy sets how long a group keeps its events.
func (d *Door) PutRetentionPolicy(ctx context.Context, in *PutRetentionPolicyRequest) error {
	if in.RetentionInDays == 0 {
		return errRetention(0) // which means none to the room
	}
	err := d.Logs.SetRetention(ctx, named(ctx, in.LogGroupName), in.RetentionInDays)
	if errors.Is(err, logs.ErrRetention) {
		return errRetention(in.RetentionInDays)
	}
	return translate(err)
}

func errRetention(days int) error {
	set := strings.Join(strings.Fields(strings.Trim(fmt.Sprint(logs.Retentions()), "[]")), ", ")
	return invalid("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: "+
		"Member must satisfy enum value set: [%s]", days, set)
}
