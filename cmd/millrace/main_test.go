package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/millrace/millrace/internal/bench"
	"github.com/millrace/millrace/internal/bootstrap"
	"github.com/millrace/millrace/internal/demo"
)

// runMain, set in the environment, makes the test binary run as the program.
const runMain = "MILLRACE_TEST_RUN_MAIN"

// TestMain makes the test binary the program itself: under the name millrace in the scripts, and as the bootstrap of the
// functions that a server under test runs.
func TestMain(m *testing.M) {
	switch bootstrap.Handler() {
	case demo.HandlerName, bench.HandlerName:
		main()
		return
	}
	if os.Getenv(runMain) != "" {
		main()
		return
	}
	testscript.Main(m, map[string]func(){"millrace": main})
}

// freeAddress returns a loopback address that nothing listens on at this moment.
func freeAddress(t interface{ Fatal(...any) }) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// untilHealthy waits until a server answers, for at most 20 s.
func untilHealthy(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return poll(ctx, func() (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/_millrace/health", nil)
		if err != nil {
			return false, err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, nil //nolint:nilerr // not there yet
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK, nil
	})
}

// poll asks until ready says yes or fails, or the context ends.
func poll(ctx context.Context, ready func() (bool, error)) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := ready(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited in vain: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
