package dev

import (
	"strings"
	"testing"
)

func TestSettingsAreReadByAWSsNames(t *testing.T) {
	s, err := readSettings([]byte(`{
		"Runtime": "python3.12", "Handler": "app.handler", "Timeout": 30, "MemorySize": 256,
		"Environment": {"Variables": {"anything": "goes"}},
		"EventSourceMappings": [
			{"StreamName": "a", "ShardCount": 2, "StartingPosition": "LATEST", "FilterCriteria": {"Filters": [{"Pattern": "{}"}]}},
			{"StreamName": "b", "FunctionResponseTypes": ["ReportBatchItemFailures"], "DestinationConfig": {"OnFailure": {"Destination": "arn"}}}
		]
	}`))
	if err != nil {
		t.Fatal(err)
	}
	if *s.Timeout != 30 || s.Environment.Variables["anything"] != "goes" || len(*s.EventSourceMappings) != 2 {
		t.Errorf("read %+v", s)
	}
	update := (*s.EventSourceMappings)[1].update()
	if update.BatchSize != 100 || update.MaximumRetryAttempts != -1 || !update.Enabled || *update.DestinationConfig.OnFailure.Destination != "arn" {
		t.Errorf("update is %+v", update)
	}
	if none, err := readSettings([]byte(`{}`)); err != nil || none.EventSourceMappings != nil {
		t.Errorf("read %+v, %v", none, err)
	}
}

func TestWrongSettingsHaveALine(t *testing.T) {
	for text, wanted := range map[string]string{
		"{\n\n\"Handlr\": \"x\"}":            "millrace.json:3: there is no setting Handlr; there are Runtime, Handler, Role,",
		"{\n\"timeout\": 3}":                 "millrace.json:2: there is no setting timeout: it is written Timeout",
		"{\"Timeout\": 3,\n\"Timeout\": 4}":  "millrace.json:2: Timeout is there twice",
		"{\n\"Timeout\": \"3\"}":             "millrace.json:2: Timeout: it is string and should be a whole number",
		"{\n\"Timeout\": 3\n\"Handler\": 4}": "millrace.json:3: invalid character",
		"{\n\"Timeout\": 3":                  "millrace.json:2: unexpected end of JSON input",
		"":                                   "millrace.json:1: unexpected end of JSON input",
		"[]":                                 "millrace.json:1: all of it: it is array and should be an object",
		"{} {}":                              "millrace.json:1: invalid character",
		"{\"EventSourceMappings\": [{}]}":    "millrace.json: EventSourceMappings[0] has no StreamName",
		"{\"EventSourceMappings\": [{\n\"StreamName\": \"a\", \"Batchsize\": 1}]}":                    "millrace.json:2: there is no setting EventSourceMappings.Batchsize: it is written BatchSize",
		"{\"EventSourceMappings\": [{\"StreamName\": \"a\"}, {\"StreamName\": \"a\"}]}":               "the stream a twice",
		"{\"Environment\":\n{\"A\": \"b\"}}":                                                          "millrace.json:2: there is no setting Environment.A; there are Variables",
		"{\"Environment\": {\"Variables\": {\"A\": \"b\",\n\"A\": \"c\"}}}":                           "millrace.json:2: Environment.Variables.A is there twice",
		"{\"EventSourceMappings\": [{\"StreamName\": \"a\", \"FilterCriteria\":\n{\"Filter\": []}}]}": "millrace.json:2: there is no setting EventSourceMappings.FilterCriteria.Filter; there are Filters",
	} {
		if _, err := readSettings([]byte(text)); err == nil || !strings.Contains(err.Error(), wanted) {
			t.Errorf("%q: %v, not %s", text, err, wanted)
		}
	}
}
