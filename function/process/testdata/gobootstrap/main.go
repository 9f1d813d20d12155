// Command gobootstrap is a function on aws-lambda-go that does what its event asks for.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do     string
	Text   string
	Number int
}

var invocations int

func handle(ctx context.Context, raw json.RawMessage) (any, error) {
	invocations++
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return raw, nil // echo what is no request
	}
	switch e.Do {
	case "error":
		return nil, errors.New(e.Text)
	case "panic":
		panic(e.Text)
	case "exit":
		os.Exit(e.Number)
	case "signal":
		_ = syscall.Kill(os.Getpid(), syscall.Signal(e.Number))
		forever()
	case "hang":
		return hang(e.Text)
	case "wait": // until a file exists, and say so with another
		if e.Number > 0 {
			_ = os.WriteFile(e.Text+".started", nil, 0o600)
		}
		for {
			if _, err := os.Stat(e.Text); err == nil {
				return "waited", nil
			}
			time.Sleep(time.Millisecond)
		}
	case "large":
		return strings.Repeat("x", e.Number-2), nil // and two quotes
	case "print":
		fmt.Println(e.Text)
		fmt.Fprint(os.Stderr, "no newline")
		return nil, nil
	case "longline":
		chunk := bytes.Repeat([]byte("y"), 1<<20)
		for range e.Number {
			_, _ = os.Stdout.Write(chunk)
		}
		_, _ = os.Stdout.WriteString("end\n")
		return nil, nil
	case "count":
		return invocations, nil
	case "pid":
		return self(os.Getpid()), nil
	case "tick":
		return nil, tick(e.Text)
	case "environment":
		return os.Environ(), nil
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]any{"context": lc, "left": time.Until(deadline).Milliseconds(), "trace": os.Getenv("_X_AMZN_TRACE_ID")}, nil
	}
	return raw, nil
}

// hang starts a child that lives on in the group, writes both numbers to a file, and never answers.
func hang(file string) (any, error) {
	child := exec.Command("sleep", "1000")
	if err := child.Start(); err != nil {
		return nil, err
	}
	if err := os.WriteFile(file+".part", fmt.Appendf(nil, "%s %s", self(os.Getpid()), self(child.Process.Pid)), 0o600); err != nil {
		return nil, err
	}
	if err := os.Rename(file+".part", file); err != nil {
		return nil, err
	}
	forever()
	return nil, nil
}

// self names a process of this one's namespace so that it can be told apart outside, where it has another number.
func self(pid int) string {
	namespace, _ := os.Readlink("/proc/self/ns/pid")
	return fmt.Sprintf("%d@%s", pid, namespace)
}

// tick lets a file grow for ever, which is there when it returns, with the process's name at its beginning.
func tick(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, self(os.Getpid()))
	go func() {
		for {
			_, _ = f.WriteString("x")
			time.Sleep(time.Millisecond)
		}
	}()
	return err
}

// judge is what people write for streams: it reports the records that it could not use.
func judge(_ context.Context, e events.KinesisEvent) (r events.KinesisEventResponse, err error) {
	for _, record := range e.Records {
		if strings.Contains(string(record.Kinesis.Data), "poison") {
			r.BatchItemFailures = append(r.BatchItemFailures, events.KinesisBatchItemFailure{ItemIdentifier: record.Kinesis.SequenceNumber})
		}
	}
	return r, nil
}

// stream answers with a stream, which breaks off when the event says so.
func stream(_ context.Context, e event) (io.Reader, error) {
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, `{"streamed":`)
		if e.Do == "break" {
			w.CloseWithError(errors.New(e.Text))
			return
		}
		_, _ = fmt.Fprintf(w, "%q}", e.Text)
		w.Close()
	}()
	return r, nil
}

// forever does not return, and is no deadlock for the runtime either, as waiting in a select of nothing is.
func forever() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR2)
	for range signals {
	}
}

func main() {
	switch os.Getenv("_HANDLER") {
	case "judge":
		lambda.Start(judge)
	case "stream":
		lambda.Start(stream)
	case "sigterm": // an extension inside the runtime, so that it is told to end
		lambda.StartWithOptions(handle, lambda.WithEnableSIGTERM(func() {
			_ = os.WriteFile(os.Getenv("ENDED"), nil, 0o600)
		}))
	default:
		lambda.Start(handle)
	}
}
