package bench

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/bootstrap"
)

// Cold is how long an invocation takes that has to start its function, beside the same interpreter started bare. Medians,
// in milliseconds.
type Cold struct {
	Runtime string  `json:"runtime"`
	Program string  `json:"program"`
	Times   int     `json:"times"`
	BareMS  float64 `json:"bare_start_ms"`
	ColdMS  float64 `json:"cold_invoke_ms"`
	OfBare  float64 `json:"cold_of_bare"`
}

// Warm is how long an invocation of a warm function takes on one connection, beside an HTTP request on a like connection to
// a process that serves HTTP and does nothing, and one to a process that first sends it on to such a process: an invocation
// has that way, too.
type Warm struct {
	Runtime string  `json:"runtime"`
	Bare    Latency `json:"bare_http_ms"`
	Relayed Latency `json:"relayed_http_ms"`
	Invoke  Latency `json:"invoke_ms"`
	OfP50   float64 `json:"p50_of_bare"`
	OfP99   float64 `json:"p99_of_bare"`
}

// Each runtime is started at least coldTimes, and for coldSpan times the options' time.
const (
	coldTimes = 2
	coldSpan  = 3
)

// idle is a function that does nothing, in one of the languages that this machine has. It answers with the program that runs it.
type idle struct {
	name, runtime, handler, file, code string
	bare                               func(program string) []string
}

// idles returns those whose interpreters are here. The first is this program.
func idles() []idle {
	all := []idle{{
		name: "provided (Go)", runtime: "provided.al2023", handler: HandlerName,
		bare: func(program string) []string { return []string{program, "version"} },
	}}
	if _, err := exec.LookPath("python3"); err == nil {
		all = append(all, idle{
			"python", "python3.13", "main.handler", "main.py", "import sys\n\n\ndef handler(event, context):\n    return sys.executable\n",
			func(program string) []string { return []string{program, "-c", "pass"} },
		})
	}
	if _, err := exec.LookPath("node"); err == nil {
		all = append(all, idle{
			"nodejs", "nodejs22.x", "main.handler", "main.js", "exports.handler = async () => process.execPath;\n",
			func(program string) []string { return []string{program, "-e", "0"} },
		})
	}
	return all
}

// archive packs the function's code.
func (f idle) archive() ([]byte, error) {
	if f.file == "" {
		return bootstrap.ZipSelf()
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	file, err := w.Create(f.file)
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(file, f.code)
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}

// deploy makes the function, invokes it once, and returns the program that it runs on.
func (f idle) deploy(ctx context.Context, c *client) (name, program string, err error) {
	name = "bench-" + strings.Fields(f.name)[0]
	code, err := f.archive()
	if err != nil {
		return "", "", err
	}
	if err := c.createFunctionOf(ctx, name, f.runtime, f.handler, code, map[string]string{}); err != nil {
		return "", "", err
	}
	if err := c.lambda(ctx, http.MethodPost, invocations(name), struct{}{}, &program); err != nil {
		return "", "", err
	}
	if program == "" {
		program, err = os.Executable()
	}
	return name, program, err
}

func invocations(name string) string { return "/2015-03-31/functions/" + name + "/invocations" }

// measureCold starts each runtime again and again: bare, and by an invocation of a function whose environment has changed.
func measureCold(ctx context.Context, o Options, dir string, r *Report) error {
	return withFunctions(ctx, dir, func(c *client) error {
		for _, f := range idles() {
			cold, err := coldOf(ctx, o, c, f)
			if err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			r.Cold = append(r.Cold, cold)
		}
		return nil
	})
}

func coldOf(ctx context.Context, o Options, c *client, f idle) (Cold, error) {
	name, program, err := f.deploy(ctx, c)
	if err != nil {
		return Cold{}, err
	}
	var bare, cold samples
	clock := startTimer(coldSpan * o.Seconds)
	for n := 0; n < coldTimes || clock.running(); n++ {
		begun := time.Now()
		argv := f.bare(program)
		if err := exec.CommandContext(ctx, argv[0], argv[1:]...).Run(); err != nil { //nolint:gosec // the program that ran the function
			return Cold{}, err
		}
		bare.add(time.Since(begun))
		if err := c.changeFunction(ctx, name, n); err != nil {
			return Cold{}, err
		}
		begun = time.Now()
		if err := c.lambda(ctx, http.MethodPost, invocations(name), struct{}{}, nil); err != nil {
			return Cold{}, err
		}
		cold.add(time.Since(begun))
	}
	alone, whole := bare.latency().P50, cold.latency().P50
	return Cold{Runtime: f.name, Program: program, Times: cold.count(), BareMS: alone, ColdMS: whole, OfBare: whole / alone}, nil
}

// changeFunction gives the function another environment, so that its next invocation is a cold one.
func (c *client) changeFunction(ctx context.Context, name string, n int) error {
	input := map[string]any{"Environment": map[string]any{"Variables": map[string]string{"TURN": fmt.Sprint(n)}}}
	if err := c.lambda(ctx, http.MethodPut, "/2015-03-31/functions/"+name+"/configuration", input, nil); err != nil {
		return err
	}
	var f struct{ LastUpdateStatus string }
	return until(ctx, func() (bool, error) {
		err := c.lambda(ctx, http.MethodGet, "/2015-03-31/functions/"+name+"/configuration", nil, &f)
		return f.LastUpdateStatus == "Successful", err
	})
}

// measureWarm invokes a warm function of each runtime, and after each invocation sends the same request to a bare server, and to one behind another.
func measureWarm(ctx context.Context, o Options, dir string, r *Report) error {
	peer, stop, err := startPeer(ctx, "")
	if err != nil {
		return err
	}
	defer stop()
	relay, stopRelay, err := startPeer(ctx, peer)
	if err != nil {
		return err
	}
	defer stopRelay()
	return withFunctions(ctx, dir, func(c *client) error {
		for _, f := range idles() {
			warm, err := warmOf(ctx, o, c, f, peer, relay)
			if err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			r.Warm = append(r.Warm, warm)
		}
		return nil
	})
}

// withFunctions runs a server in a process of its own, which takes the nearest versions of the interpreters, as long as measure does.
func withFunctions(ctx context.Context, dir string, measure func(*client) error) error {
	server, err := startProcess(ctx, dir, "--runtime-match", "nearest", "--log-level", "error")
	if err != nil {
		return err
	}
	c := newClient(server.url)
	err = measure(c)
	c.close()
	return errors.Join(err, server.stop())
}

func warmOf(ctx context.Context, o Options, c *client, f idle, peer, relay string) (Warm, error) {
	name, _, err := f.deploy(ctx, c)
	if err != nil {
		return Warm{}, err
	}
	body, err := json.Marshal(map[string]string{"hello": "world"})
	if err != nil {
		return Warm{}, err
	}
	invoke, err := dialPath(ctx, c.url, "lambda", invocations(name), "", body)
	if err != nil {
		return Warm{}, err
	}
	defer invoke.close()
	bare, err := dialPath(ctx, peer, "lambda", invocations(name), "", body)
	if err != nil {
		return Warm{}, err
	}
	defer bare.close()
	relayed, err := dialPath(ctx, relay, "lambda", invocations(name), "", body)
	if err != nil {
		return Warm{}, err
	}
	defer relayed.close()
	var of, beside, floor samples
	for clock := startTimer(o.Seconds); clock.running() && ctx.Err() == nil; {
		if err := errors.Join(invoke.sample(&of), bare.sample(&beside), relayed.sample(&floor)); err != nil {
			return Warm{}, err
		}
	}
	w := Warm{Runtime: f.name, Bare: beside.latency(), Relayed: floor.latency(), Invoke: of.latency()}
	w.OfP50, w.OfP99 = w.Invoke.P50/w.Bare.P50, w.Invoke.P99/w.Bare.P99
	return w, ctx.Err()
}

// sample calls once.
func (l *line) sample(into *samples) error {
	begun := time.Now()
	_, err := l.call()
	into.add(time.Since(begun))
	return err
}
