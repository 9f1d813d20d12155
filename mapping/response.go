package mapping

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"slices"

	"github.com/millrace/millrace/stream"
)

// expectation says what of a function's response counts. Where neither does, the response is not looked at.
type expectation struct {
	failures bool // ReportBatchItemFailures: which records failed
	state    bool // a tumbling window: what the next invocation is to begin with
}

// reply is what a response says.
type reply struct {
	// taken is how many records at the front of the batch are done: all of them, or those before the first that the
	// function names as failed.
	taken int
	// state is the window's new state, a JSON object without blanks; nil where none is expected.
	state []byte
}

// Why a response is a failure of its whole batch.
var (
	// errResponse says that the response is not of the form that is expected.
	errResponse = errors.New("response has not the expected form")
	// errIdentifier says that the response names a record that is not in the batch, or names none where it should.
	errIdentifier = errors.New("response names no record of the batch")
)

// readResponse reads a function's response to a batch of the shard. What AWS was seen to take for a complete success is
// what its JSON reader takes for no object at all: nothing, null, an empty string or array. Any other text that is not
// an object is a failure.
func readResponse(body []byte, records []stream.Record, shard *stream.Shard, want expectation) (reply, error) {
	all := reply{taken: len(records)}
	if !want.failures && !want.state {
		return all, nil
	}
	var members map[string]json.RawMessage // the names are exact, which a struct's are not
	switch text := bytes.Trim(body, " \t\r\n"); string(text) {
	case "", "null", `""`:
	default:
		if isEmptyArray(text) {
			break
		}
		if json.Unmarshal(text, &members) != nil {
			return reply{}, errResponse
		}
	}
	if want.state {
		state, err := readState(members["state"])
		if err != nil {
			return reply{}, err
		}
		all.state = state
	}
	if !want.failures {
		return all, nil
	}
	taken, err := readFailures(members["batchItemFailures"], records, shard)
	if err != nil {
		return reply{}, err
	}
	all.taken = taken
	return all, nil
}

// isEmptyArray reports whether the text is [] with nothing but blanks in it.
func isEmptyArray(text []byte) bool {
	var items []json.RawMessage
	return text[0] == '[' && json.Unmarshal(text, &items) == nil && len(items) == 0
}

// readState reads a window's state, which must be there and be an object.
func readState(text json.RawMessage) ([]byte, error) {
	if len(text) == 0 || text[0] != '{' {
		return nil, errResponse
	}
	var state bytes.Buffer
	if err := json.Compact(&state, text); err != nil {
		return nil, errResponse
	}
	return state.Bytes(), nil
}

// readFailures returns how many records lie before the first of those that a response lists as failed.
func readFailures(text json.RawMessage, records []stream.Record, shard *stream.Shard) (int, error) {
	var items []json.RawMessage // null and a missing list are none
	if len(text) > 0 && json.Unmarshal(text, &items) != nil {
		return 0, errResponse
	}
	taken := len(records)
	for _, item := range items {
		var members map[string]json.RawMessage
		var identifier string
		if json.Unmarshal(item, &members) != nil || json.Unmarshal(members["itemIdentifier"], &identifier) != nil {
			return 0, errIdentifier
		}
		i, ok := recordAt(identifier, records, shard)
		if !ok {
			return 0, errIdentifier
		}
		taken = min(taken, i)
	}
	return taken, nil
}

// recordAt returns which of the records has the sequence number, written just so.
func recordAt(number string, records []stream.Record, shard *stream.Shard) (int, bool) {
	n, err := stream.ParseSequenceNumber(number)
	if err != nil {
		return 0, false
	}
	i, found := slices.BinarySearchFunc(records, n.Origin().Position, func(r stream.Record, at stream.Position) int {
		return cmp.Compare(r.Position, at)
	})
	return i, found && shard.SequenceNumber(records[i].Position, records[i].Arrival).String() == number
}
