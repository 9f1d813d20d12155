package lambda_test

import (
	"os"
	"strings"
	"testing"
)

// mappingRows says for each row of the specification's tables of the API (states, results, errors, other inputs) which story
// shows it: a section of testdata/mappings, or a scenario of the mappings' room.
var mappingRows = []struct{ row, file, section string }{
	{"1.3 Create, Enabled absent", "create", "defaults"},
	{"1.3 then Enabled", "create", "shown again"},
	{"1.3 Create, Enabled=false", "create", "disabled as asked"},
	{"1.3 Enabled=false on an Enabled mapping", "update", "disabled"},
	{"1.3 then Disabled", "update", "at rest"},
	{"1.3 Enabled=true on a Disabled mapping", "update", "enabled"},
	{"1.3 other fields", "update", "settings"},
	{"1.3 back to Disabled", "update", "still at rest"},
	{"1.3 Delete", "delete", "deleted"},
	{"1.3 then 404", "delete", "gone"},
	{"1.3 Update in a transition", "update", "in use"},
	{"1.3 Delete in a transition", "delete", "in use"},
	{"1.3 Delete while Deleting", "delete", "once more"},
	{"1.3 nothing starts once Disabled", "disable_in_flight.txt", ""},
	{"1.3 enable resumes", "disable_resumes.txt", ""},
	{"1.3 Delete drops checkpoints", "delete_recreate.txt", ""},
	{"1.3 Delete drops tags", "tags", "and the tags are gone"},
	{"1.3 Delete with a batch in flight", "delete_in_flight.txt", ""},

	{"1.4 No records processed", "result.txt", ""},
	{"1.4 kept when records are only dropped for age", "age_before.txt", ""},
	{"1.4 OK after a partial response", "partial_result.txt", ""},
	{"1.4 Function call failed", "result.txt", ""},
	{"1.4 Sequence number in function response", "partial_invalid_foreign.txt", ""},
	{"1.4 internal Lambda error", "service_fault.txt", ""},
	{"1.4 the source cannot be read", "stream_deleted.txt", ""},

	{"1.5 unknown UUID, Get", "get", "unknown"},
	{"1.5 unknown UUID, Update", "update", "unknown"},
	{"1.5 unknown UUID, Delete", "delete", "unknown"},
	{"1.5 no EventSourceArn", "create_errors", "no source"},
	{"1.5 function unknown", "create_errors", "unknown function"},
	{"1.5 StartingPosition missing", "create_errors", "no starting position"},
	{"1.5 StartingPosition not in enum", "create_errors", "a starting position that is none"},
	{"1.5 timestamp with TRIM_HORIZON", "create_errors", "a timestamp with TRIM_HORIZON"},
	{"1.5 timestamp with LATEST", "create_errors", "a timestamp with LATEST"},
	{"1.5 AT_TIMESTAMP without timestamp", "create_errors", "AT_TIMESTAMP without one"},
	{"1.5 timestamp in the future", "create_errors", "a timestamp of the future"},
	{"1.5 BatchSize 10001", "create_errors", "batch size too large"},
	{"1.5 BatchSize 0", "create_errors", "batch size too small"},
	{"1.5 ParallelizationFactor 11", "create_errors", "factor too large"},
	{"1.5 ParallelizationFactor 0", "create_errors", "factor too small"},
	{"1.5 MaximumBatchingWindowInSeconds 301", "create_errors", "window too long"},
	{"1.5 MaximumBatchingWindowInSeconds -1", "create_model", "(1.5) maximumBatchingWindowInSeconds, lower bound"},
	{"1.5 TumblingWindowInSeconds 901", "create_model", "(1.5) tumblingWindowInSeconds, upper bound"},
	{"1.5 TumblingWindowInSeconds -1", "responses_and_windows", "a window too short"},
	{"1.5 MaximumRetryAttempts 10001", "create_errors", "too many retries"},
	{"1.5 MaximumRetryAttempts -2", "create_errors", "fewer retries than none"},
	{"1.5 MaximumRecordAgeInSeconds 604801", "create_errors", "too old"},
	{"1.5 MaximumRecordAgeInSeconds -2", "create_model", "(1.5) maximumRecordAgeInSeconds, lower bound"},
	{"1.5 MaximumRecordAgeInSeconds 59", "create_errors", "too young"},
	{"1.5 MaximumRecordAgeInSeconds 0", "create_errors", "no age at all"},
	{"1.5 FunctionResponseTypes [Bad]", "responses_and_windows", "no response type"},
	{"1.5 filter pattern not valid", "filters", "broken JSON"},
	{"1.5 filter pattern null", "filters", "null"},
	{"1.5 filter pattern no object", "filters", "an array"},
	{"1.5 filter leaf no array", "filters", "a leaf that is no array"},
	{"1.5 filter array empty", "filters", "an empty array"},
	{"1.5 more filters than the quota", "filters", "six filters"},
	{"1.5 window and factor", "responses_and_windows", "a factor beside the window"},
	{"1.5 window and filters", "responses_and_windows", "a window and filters"},
	{"1.5 OnSuccess", "create_errors", "OnSuccess"},
	{"1.5 ScalingConfig", "create_errors", "ScalingConfig"},
	{"1.5 same source and function", "create_errors", "created twice"},
	{"1.5 another qualifier is another pair", "create", "the qualifier is kept as given"},
	{"1.5 stream does not exist", "create_errors", "unknown stream"},
	{"1.5 no permission for the stream", "create_errors", "a stream of another account"},
	{"1.5 FIFO destination", "update", "a FIFO queue"},
	{"1.5 destination of another service", "create_model", "(1.5) a destination of another service"},
	{"1.5 destination malformed", "create_model", "(1.5) a destination that is no ARN"},
	{"1.5 tag API on an unknown mapping", "tags", "(1.5) the tag API on an unknown mapping"},
	{"1.5 order: the model first", "order_of_checks", "the model before the source"},
	{"1.5 order: destination before function", "order_of_checks", "the destination before a function elsewhere"},
	{"1.5 order: function before source", "create_errors", "unknown function before unknown stream"},
	{"1.5 batch above 10 without a window", "create_model", "(1.5) a batch above 10 without a window is accepted"},

	{"1.6 Topics", "create_model", "(1.6) Topics"},
	{"1.6 Queues", "create_errors", "Queues"},
	{"1.6 SourceAccessConfigurations", "create_errors", "SourceAccessConfigurations"},
	{"1.6 SelfManagedEventSource", "create_model", "(1.6) SelfManagedEventSource beside a stream"},
	{"1.6 AmazonManagedKafkaEventSourceConfig", "create_model", "(1.6) AmazonManagedKafkaEventSourceConfig"},
	{"1.6 SelfManagedKafkaEventSourceConfig", "create_model", "(1.6) SelfManagedKafkaEventSourceConfig"},
	{"1.6 DocumentDBEventSourceConfig", "create_errors", "DocumentDBEventSourceConfig"},
	{"1.6 ProvisionedPollerConfig", "create_errors", "ProvisionedPollerConfig"},
	{"1.6 LoggingConfig", "create_model", "(1.6) LoggingConfig"},
	{"1.6 List, unknown function", "list", "unknown function"},
	{"1.6 List, unknown source", "list", "unknown stream"},
	{"1.6 List, filters are exact", "list", "another qualifier"},
	{"1.6 List, MaxItems", "list", "too many items"},
	{"1.6 tags on Create", "tags", "(1.6) tags on Create go to the mapping"},
	{"1.6 tags set", "tags", "(1.6) set beside those that are there"},
	{"1.6 untagging a missing key", "tags", "(1.6) untagged, a missing key is no error"},
	{"1.6 tag ARN with a suffix", "tags", "(1.6) a suffix"},
	{"1.6 function deleted", "get", "the mapping is not"},
	{"1.6 function recreated", "function_deleted.txt", ""},
	{"1.6 stream deleted", "stream_deleted.txt", ""},
	{"1.6 another region", "create_errors", "a stream of another region"},
}

// TestMappingRows sees to it that the story of each row is there.
func TestMappingRows(t *testing.T) {
	stories := map[string]string{}
	read := func(path string) string {
		if _, ok := stories[path]; !ok {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			stories[path] = string(text)
		}
		return stories[path]
	}
	for _, r := range mappingRows {
		if r.section == "" {
			read("../../mapping/testdata/" + r.file)
			continue
		}
		found := false
		for line := range strings.Lines(read("testdata/mappings/" + r.file + ".txt")) {
			name, ok := strings.CutPrefix(line, "-- ")
			if wait, rest, late := strings.Cut(name, ": "); late && strings.HasPrefix(wait, "after ") {
				name = rest
			}
			found = found || ok && strings.HasPrefix(name, r.section+" [")
		}
		if !found {
			t.Errorf("%s: no section %q in %s", r.row, r.section, r.file)
		}
	}
}
