// Command extension is an external extension. What it does is in its name, up to a hyphen: it may be well-behaved or not. What it
// hears of goes to its output; the folder FOLDER is where it and its test meet.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

var (
	name   = filepath.Base(os.Args[0])
	api    = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API")
	folder = os.Getenv("FOLDER")
	id     string
)

// call makes a request of the Extensions API, or of another of the same server.
func call(method, path, body string, headers ...string) (int, string) {
	if strings.HasPrefix(path, "extension/") {
		path = "2020-01-01/" + path
	}
	r, err := http.NewRequest(method, api+"/"+path, strings.NewReader(body))
	check(err)
	if id != "" {
		r.Header.Set("Lambda-Extension-Identifier", id)
	}
	for n := 0; n < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	answer, err := http.DefaultClient.Do(r)
	check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	check(err)
	if given := answer.Header.Get("Lambda-Extension-Identifier"); given != "" {
		id = given
	}
	return answer.StatusCode, strings.TrimSpace(string(text))
}

func check(err error) {
	if err != nil {
		fmt.Println(name, "failed:", err)
		os.Exit(9)
	}
}

// meet waits for a file that the test makes.
func meet(file string) {
	for {
		if _, err := os.Stat(filepath.Join(folder, file)); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func note(file, text string) {
	path := filepath.Join(folder, name+"."+file)
	check(os.WriteFile(path+".part", []byte(text), 0o644)) //nolint:gosec // for the test
	check(os.Rename(path+".part", path))                   // whole, whoever reads it
}

// forever does not return, and is no deadlock for the runtime either, as waiting in a select of nothing is.
func forever() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR2)
	for range signals {
	}
}

func main() {
	signal.Ignore(syscall.SIGTERM)
	role, _, _ := strings.Cut(name, "-")
	fmt.Println(name, "starts")
	events := `"INVOKE","SHUTDOWN"`
	switch role {
	case "never":
		note("started", fmt.Sprint(os.Getpid()))
		forever()
	case "exits":
		os.Exit(5)
	case "late":
		meet("register")
	case "silent":
		events = ``
	case "deaf":
		events = `"INVOKE"`
	case "environment":
		all, err := json.Marshal(os.Environ())
		check(err)
		note("environment", string(all))
	}
	if status, text := call("POST", "extension/register", `{"events":[`+events+`]}`, "Lambda-Extension-Name", name); status != 200 {
		check(fmt.Errorf("register: %d %s", status, text))
	}
	switch role {
	case "initerror":
		call("POST", "extension/init/error", "{}", "Lambda-Extension-Function-Error-Type", "Extension.NoLicence")
		os.Exit(1)
	case "telemetry", "logs", "stuck":
		subscribe(role)
	}
	for {
		_, text := call("GET", "extension/event/next", "")
		var event struct{ EventType, ShutdownReason, RequestID string }
		check(json.Unmarshal([]byte(text), &event))
		if event.EventType == "SHUTDOWN" {
			end(role, event.ShutdownReason)
		}
		fmt.Println(name, "hears of", event.RequestID)
		invoked(role, event.RequestID)
	}
}

func invoked(role, request string) {
	switch role {
	case "slow":
		note("invoked", request)
		meet("next")
	case "crash":
		os.Exit(7)
	case "killed":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "exiterror":
		call("POST", "extension/exit/error", "{}", "Lambda-Extension-Function-Error-Type", "Extension.Broken")
		os.Exit(1)
	case "idle":
		note("waits", "")
	}
}

func end(role, reason string) {
	note("shutdown", reason)
	if role == "hang" {
		forever()
	}
	os.Exit(0)
}

// subscribe listens for telemetry and writes what comes to a file of lines.
func subscribe(role string) {
	listener := listen()
	if role != "stuck" {
		go func() {
			_ = http.Serve(listener, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				text, err := io.ReadAll(r.Body)
				check(err)
				keep(append(text, '\n'))
			}))
		}()
	}
	path, version := "2022-07-01/telemetry", "2022-12-13"
	if role == "logs" {
		path, version = "2020-08-15/logs", "2021-03-18"
	}
	_, port, _ := strings.Cut(listener.Addr().String(), ":")
	document := fmt.Sprintf(`{"schemaVersion":%q,"types":["platform","function","extension"],"buffering":{"maxItems":1000,"maxBytes":262144,"timeoutMs":25},`+
		`"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:%s/told"}}`, version, port)
	if status, text := call("PUT", path, document); status != 200 || text != `"OK"` {
		check(fmt.Errorf("subscribe: %d %s", status, text))
	}
}

func keep(text []byte) {
	f, err := os.OpenFile(filepath.Join(folder, name+".told"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644) //nolint:gosec // for the test
	check(err)
	_, err = f.Write(text)
	check(err)
	check(f.Close())
}
