package process_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process"
)

// Runtime clients that AWS wrote.

// kinesisEvent is an event as a mapping makes it.
const kinesisEvent = `{"Records":[` +
	`{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"a","sequenceNumber":"1","data":"b2s=","approximateArrivalTimestamp":1545084650.987},` +
	`"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"shardId-000000000000:1","eventName":"aws:kinesis:record",` +
	`"invokeIdentityArn":"arn:aws:iam::123456789012:role/r","awsRegion":"eu-west-1","eventSourceARN":"arn:aws:kinesis:eu-west-1:123456789012:stream/s"},` +
	`{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"a","sequenceNumber":"2","data":"cG9pc29u","approximateArrivalTimestamp":1545084651},` +
	`"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"shardId-000000000000:2","eventName":"aws:kinesis:record",` +
	`"invokeIdentityArn":"arn:aws:iam::123456789012:role/r","awsRegion":"eu-west-1","eventSourceARN":"arn:aws:kinesis:eu-west-1:123456789012:stream/s"}]}`

func TestGoKinesisFunction(t *testing.T) {
	h := open(t)
	h.gobootstrap("f", handler("judge"))
	for range 2 {
		h.expect("f", kinesisEvent, "", `{"batchItemFailures":[{"itemIdentifier":"2"}]}`)
	}
}

// aws-lambda-go sends a stream in chunks, and says behind the last that it has failed.
func TestGoStreams(t *testing.T) {
	h := open(t)
	h.gobootstrap("f", handler("stream"))
	h.expect("f", `{"Text":"all"}`, "", `{"streamed":"all"}`)
	h.expect("f", `{"Do":"break","Text":"no more"}`, "Unhandled", `{"errorMessage":"no more","errorType":"errorString"}`)
	if again := h.expect("f", `{"Text":"all"}`, "", `{"streamed":"all"}`); again.Cold {
		t.Error("cold after a stream that broke off")
	}
}

// aws-lambda-go registers an extension so that it is told to end, and otherwise is killed.
func TestGoIsToldToEnd(t *testing.T) {
	h := open(t, patient) // AWS's half a second is short for a machine that is busy
	file := filepath.Join(exchange(t), "ended")
	h.gobootstrap("f", handler("sigterm"), func(f *function.Function) { f.Environment = map[string]string{"ENDED": file} })
	h.expect("f", `{"a":1}`, "", `{"a":1}`)
	h.expect("f", `{"a":2}`, "", `{"a":2}`)
	h.stop()
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

// failingExtension is a runtime with an extension in it that gives up.
const failingExtension = `#!/bin/bash
api=/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}
post() {
	exec 3<>"$api"
	printf 'POST /2020-01-01/extension/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\nContent-Length: %d\r\n\r\n%s' "$1" "$2" "${#3}" "$3" >&3
	while IFS= read -r line <&3 && line=${line%$'\r'} && [ -n "$line" ]; do
		case $line in Lambda-Extension-Identifier:*) id=${line#*: } ;; esac
	done
}
post register 'Lambda-Extension-Name: mine' '{"events":["INVOKE"]}'
post "$_HANDLER/error" "Lambda-Extension-Identifier: $id"$'\r\n''Lambda-Extension-Function-Error-Type: Extension.Mine' '{}'
exit 1
`

// The process of an extension that has reported an error ends with that.
func TestExtensionThatFails(t *testing.T) {
	h := open(t)
	for name, want := range map[string]string{"init": "Extension.InitError", "exit": "Extension.ExitError"} {
		h.deploy(name, "provided.al2", name, files{"bootstrap*": failingExtension})
		h.expect(name, `1`, "Unhandled", `{"errorType":"`+want+`","errorMessage":"RequestId: req-1 Error: Runtime exited with error: exit status 1"}`)
	}
}

// foreign deploys a function that another's runtime client runs, unless it is missing on this machine.
func foreign(t *testing.T, name string, command []string, content files) *house {
	t.Helper()
	h := open(t, func(_ *function.Config, p *process.Config) { p.Isolation = process.Off })
	content["bootstrap*"] = "#!/bin/sh\nexec " + strings.Join(command, " ") + " \"$_HANDLER\"\n"
	h.deploy(name, "provided.al2023", "main.handler", content)
	return h
}

func TestNodeInterfaceClient(t *testing.T) {
	folder := os.Getenv("MILLRACE_NODE_RIC")
	client := filepath.Join(folder, "aws-lambda-ric", "bin", "index.mjs")
	if _, err := os.Stat(client); folder == "" || err != nil {
		t.Skip("MILLRACE_NODE_RIC names no node_modules folder with aws-lambda-ric, built")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip(err)
	}
	h := foreign(t, "f", []string{node, client}, files{"main.js": `
let count = 0;
exports.handler = async (event, context) => {
  if (event.fail) throw new TypeError(event.fail);
  if (event.exit) process.exit(event.exit);
  return { event, count: ++count, id: context.awsRequestId, left: context.getRemainingTimeInMillis() > 0, name: context.functionName };
};`})
	h.expect("f", `{"a":"é"}`, "", `{"event":{"a":"é"},"count":1,"id":"req-1","left":true,"name":"f"}`)
	nodeError(t, h.invoke("f", `{"fail":"failed"}`), "TypeError", "failed")
	h.expect("f", `1`, "", `{"event":1,"count":2,"id":"req-1","left":true,"name":"f"}`)
	h.expect("f", `{"exit":3}`, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: req-1 Error: Runtime exited with error: exit status 3"}`)
}

func TestPythonInterfaceClient(t *testing.T) {
	python := os.Getenv("MILLRACE_PYTHON_RIC")
	if python == "" || exec.Command(python, "-c", "import awslambdaric").Run() != nil {
		t.Skip("MILLRACE_PYTHON_RIC names no Python that has awslambdaric")
	}
	h := foreign(t, "f", []string{python, "-m", "awslambdaric"}, files{"main.py": `
def handler(event, context):
    if event == "fail":
        raise ValueError("failed")
    return [event, context.aws_request_id, context.get_remaining_time_in_millis() > 0]
`})
	h.expect("f", `{"a": 1}`, "", `[{"a": 1}, "req-1", true]`)
	var got struct{ ErrorType, ErrorMessage string }
	decode(t, h.invoke("f", `"fail"`).Payload, &got)
	if fmt.Sprint(got) != "{ValueError failed}" {
		t.Errorf("%+v", got)
	}

	// What it logs as documents is what our bootstrap logs.
	minor, err := exec.Command(python, "-c", "import sys; print(sys.version_info[1])").Output()
	if err != nil {
		t.Fatal(err)
	}
	version := "python3." + strings.TrimSpace(string(minor))
	h = open(t, func(_ *function.Config, p *process.Config) {
		p.Isolation, p.Interpreters = process.Off, map[string]string{version: python}
	})
	command := "#!/bin/sh\nexec " + python + " -m awslambdaric \"$_HANDLER\"\n"
	h.deploy("theirs", "provided.al2023", "main.handler", files{"bootstrap*": command, "main.py": pythonLogs}, jsonLog("DEBUG", "WARN"))
	h.deploy("ours", version, "main.handler", files{"main.py": pythonLogs}, jsonLog("DEBUG", "WARN"))
	differs := regexp.MustCompile(`[^" ]*/main\.py|"timestamp": ".{20}"`)
	for _, payload := range []string{"0", "1"} {
		ours := differs.ReplaceAllString(string(h.invoke("ours", payload).LogTail), "")
		theirs := differs.ReplaceAllString(string(h.invoke("theirs", payload).LogTail), "")
		if ours != theirs {
			t.Errorf("ours:\n%s\ntheirs:\n%s", ours, theirs)
		}
	}
}
