package cloudwatch

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"time"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/metric"
)

const (
	maxQueries = 500
	// maxPagePoints is how many data points an answer has at most. maxPoints is how many a request may ask for, over all
	// of its metrics: what is beyond an answer comes with further ones.
	maxPagePoints = 100_800
	maxPoints     = 4 * maxPagePoints
)

// GetMetricData returns the points of metrics, and of expressions over them.
func (d *Door) GetMetricData(ctx context.Context, in *GetMetricDataInput) (*GetMetricDataOutput, error) {
	if !in.StartTime.Before(in.EndTime) {
		return nil, errOrder()
	}
	limit := maxPagePoints
	if in.MaxDatapoints != nil {
		limit = *in.MaxDatapoints
	}
	if limit < 1 || limit > maxPagePoints {
		return nil, invalid("The value %d for parameter MaxDatapoints is invalid.", limit)
	}
	skip, err := readToken(protocol.Value(in.NextToken))
	if err != nil {
		return nil, err
	}
	r, err := d.newRequest(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := d.read(ctx, r); err != nil {
		return nil, err
	}
	out := &GetMetricDataOutput{MetricDataResults: []MetricDataResult{}, Messages: []MessageData{}}
	page := paging{skip: skip, left: limit, begun: skip == 0}
	for _, q := range r.queries {
		if q.hidden {
			continue
		}
		s, err := r.evaluate(q)
		if err != nil {
			return nil, err
		}
		result := MetricDataResult{Id: &q.id, Label: &q.label, Timestamps: []time.Time{}, Values: []float64{}}
		for i, t := range s.Times {
			result.Timestamps, result.Values = append(result.Timestamps, time.Unix(t, 0)), append(result.Values, s.Values[i])
		}
		if protocol.Value(in.ScanBy) != ScanByTimestampAscending {
			slices.Reverse(result.Timestamps)
			slices.Reverse(result.Values)
		}
		if page.cut(&result) {
			out.MetricDataResults = append(out.MetricDataResults, result)
		}
	}
	out.NextToken = page.token()
	return out, nil
}

// paging cuts results to an answer.
type paging struct {
	skip  int  // data points that earlier answers had
	left  int  // room in this one
	next  int  // data points up to the end of this one
	begun bool // the answer has something, or is the first
	more  bool
}

// cut leaves of a result what belongs to this answer, and reports whether that is something: points, or the news that
// there are none.
func (p *paging) cut(r *MetricDataResult) bool {
	if p.more {
		return false
	}
	n := len(r.Timestamps)
	from := min(p.skip, n)
	p.skip -= from
	p.next += from
	switch {
	case n > 0 && from == n, n == 0 && !p.begun:
		return false // an earlier answer had it
	case n > 0 && p.left == 0:
		p.more = true
		return false
	}
	until := min(from+p.left, n)
	p.left -= until - from
	p.next += until - from
	p.begun, p.more = true, until < n
	r.Timestamps, r.Values = r.Timestamps[from:until], r.Values[from:until]
	r.StatusCode = new(StatusCodeComplete)
	if p.more {
		r.StatusCode = new(StatusCodePartialData)
	}
	return true
}

// token is where the next answer begins.
func (p *paging) token() *string {
	if !p.more {
		return nil
	}
	return new(base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(p.next))))
}

func readToken(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, translate(metric.ErrToken)
	}
	skip, err := strconv.Atoi(string(text))
	if err != nil || skip < 1 {
		return 0, translate(metric.ErrToken)
	}
	return skip, nil
}
