package process_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace/millrace/function"
)

// jsonLog gives a function a log of JSON documents.
func jsonLog(application, system string) func(*function.Function) {
	return func(f *function.Function) {
		f.LogFormat, f.ApplicationLogLevel, f.SystemLogLevel = function.LogJSON, application, system
	}
}

// documents decodes the log of an invocation and takes out what differs each time.
func documents(t *testing.T, log []byte) (lines []string) {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSuffix(string(log), "\n"), "\n") {
		var document map[string]any
		if err := json.Unmarshal([]byte(line), &document); err != nil {
			lines = append(lines, line)
			continue
		}
		for _, name := range []string{"time", "timestamp"} {
			if at, ok := document[name].(string); ok {
				if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$`).MatchString(at) {
					t.Errorf("%s %q", name, at)
				}
				delete(document, name)
			}
		}
		if record, ok := document["record"].(map[string]any); ok {
			delete(record, "metrics")
			delete(record, "spans")
		}
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(text))
	}
	return lines
}

func expectDocuments(t *testing.T, log []byte, want ...string) {
	t.Helper()
	got := documents(t, log)
	for n := range max(len(got), len(want)) {
		if n >= len(got) || n >= len(want) || !regexp.MustCompile("^(?:"+want[n]+")$").MatchString(got[n]) {
			t.Errorf("line %d of the log:\n%s\nwant:\n%s", n, strings.Join(got, "\n"), strings.Join(want, "\n"))
			return
		}
	}
}

// quoted makes a pattern that matches the text alone.
func quoted(text string, a ...any) string { return regexp.QuoteMeta(fmt.Sprintf(text, a...)) }

const (
	startDocument   = `\{"record":\{"requestId":"req-1","version":"\$LATEST"\},"type":"platform.start"\}`
	reportDocument  = `\{"record":\{"requestId":"req-1","status":"success"\},"type":"platform.report"\}`
	doneDocument    = `\{"record":\{"errorType":"Runtime.ExitError","requestId":"req-1","status":"error"\},"type":"platform.runtimeDone"\}`
	failureDocument = `\{"record":\{"errorType":"Runtime.ExitError","requestId":"req-1","status":"error"\},"type":"platform.report"\}`
)

const pythonLogs = `
import logging, sys
logger = logging.getLogger("mine")
def handler(event, context):
    logging.debug("debug")
    logger.info("info %s", 1, extra={"order": 7, "name2": "é"})
    logging.warning("two\nlines")
    print("printed")
    print('{"level": "debug", "msg": "printed"}')
    try:
        {}["k"]
    except KeyError:
        logging.exception("caught")
    if event: raise ValueError("not caught")
`

func TestPythonJSONLog(t *testing.T) {
	h := open(t)
	need(t, h, "python3.11")
	h.deploy("f", "python3.11", "main.handler", files{"main.py": pythonLogs}, jsonLog("INFO", "INFO"))
	info := quoted(`{"level":"INFO","logger":"mine","message":"info 1","name2":"é","order":7,"requestId":"req-1"}`)
	warning := quoted(`{"level":"WARNING","logger":"root","message":"two\nlines","requestId":"req-1"}`)
	caught := `\{"errorMessage":"'k'","errorType":"KeyError","level":"ERROR","location":".*main.py:handler:13","logger":"root","message":"caught","requestId":"req-1",` +
		`"stackTrace":\["  File \\".*main.py\\", line 11, in handler\\n .*"\]\}`
	expectDocuments(t, h.invoke("f", `0`).LogTail, startDocument, info, warning, "printed", caught, reportDocument)
	failed := `\{"errorMessage":"not caught","errorType":"ValueError","log_level":"ERROR","requestId":"req-1","stackTrace":\["  File .*"\]\}`
	expectDocuments(t, h.invoke("f", `1`).LogTail, startDocument, info, warning, "printed", caught, failed, reportDocument)

	// What is not a document counts as INFO.
	h.deploy("g", "python3.11", "main.handler", files{"main.py": pythonLogs}, jsonLog("ERROR", "WARN"))
	expectDocuments(t, h.invoke("g", `0`).LogTail, caught)
	h.deploy("t", "python3.11", "main.handler", files{"main.py": pythonLogs}, jsonLog("TRACE", "DEBUG"))
	expectDocuments(t, h.invoke("t", `0`).LogTail,
		quoted(`{"record":{"initializationType":"on-demand","phase":"init","status":"success"},"type":"platform.initRuntimeDone"}`),
		quoted(`{"record":{"initializationType":"on-demand","phase":"init","status":"success"},"type":"platform.initReport"}`), startDocument,
		quoted(`{"level":"DEBUG","logger":"root","message":"debug","requestId":"req-1"}`), info, warning, "printed",
		quoted(`{"level":"debug","msg":"printed"}`), caught,
		quoted(`{"record":{"requestId":"req-1","status":"success"},"type":"platform.runtimeDone"}`), reportDocument)
}

const nodeLogs = `
exports.handler = async (event) => {
  console.debug('debug');
  console.log('info %d', 1);
  console.info({ a: 'é', nested: new RangeError('inside') });
  console.warn('two\nlines');
  console.error('failed with', new TypeError('caught'));
  console.log(new Error('alone'));
  console.log(10n);
  process.stdout.write('printed\n');
  if (event) throw new SyntaxError('not caught');
};`

func TestNodeJSONLog(t *testing.T) {
	h := open(t)
	runtime := nodeRuntime(t, h)
	h.deploy("f", runtime, "main.handler", files{"main.js": nodeLogs}, jsonLog("INFO", "INFO"))
	line := func(level, rest string) string {
		return `\{` + rest[:strings.Index(rest, `"message"`)] + `"level":"` + level + `",` + rest[strings.Index(rest, `"message"`):] + `\}`
	}
	const stack = `"stackTrace":\["\w+: .*","    at .*"\]`
	want := []string{
		startDocument,
		line("INFO", `"message":"info 1","requestId":"req-1"`),
		line("INFO", `"message":\{"a":"é","nested":\{"errorMessage":"inside","errorType":"RangeError",`+stack+`\}\},"requestId":"req-1"`),
		line("WARN", `"message":"two\\nlines","requestId":"req-1"`),
		line("ERROR", `"errorMessage":"caught","errorType":"TypeError","message":"failed with TypeError: caught\\n .*","requestId":"req-1",`+stack),
		line("INFO", `"message":\{"errorMessage":"alone","errorType":"Error",`+stack+`\},"requestId":"req-1"`),
		line("INFO", `"message":"10n","requestId":"req-1"`),
		"printed",
	}
	expectDocuments(t, h.invoke("f", `0`).LogTail, append(want[:8:8], reportDocument)...)
	thrown := line("ERROR", `"message":\{"errorMessage":"not caught","errorType":"SyntaxError",`+stack+`\},"requestId":"req-1"`)
	expectDocuments(t, h.invoke("f", `1`).LogTail, append(want[:8:8], thrown, reportDocument)...)
	h.deploy("g", runtime, "main.handler", files{"main.js": nodeLogs}, jsonLog("WARN", "WARN"))
	expectDocuments(t, h.invoke("g", `0`).LogTail, want[3], want[4])
}

// The platform's own errors are in the reports: there are no lines of text between the documents.
func TestFailuresInAJSONLog(t *testing.T) {
	h := open(t)
	h.gobootstrap("f", jsonLog("INFO", "INFO"))
	expectDocuments(t, h.invoke("f", `{"Do":"exit","Number":7}`).LogTail, startDocument, doneDocument, failureDocument)
	h.deploy("none", "provided.al2023", "h", files{"bootstrap*": "#!/bin/sh\nexit 3\n"}, jsonLog("INFO", "WARN"))
	expectDocuments(t, h.invoke("none", `1`).LogTail,
		quoted(`{"record":{"errorType":"Runtime.ExitError","initializationType":"on-demand","phase":"init","status":"error"},"type":"platform.initRuntimeDone"}`),
		quoted(`{"record":{"errorType":"Runtime.ExitError","initializationType":"on-demand","phase":"init","status":"error"},"type":"platform.initReport"}`),
		doneDocument, failureDocument)
}
