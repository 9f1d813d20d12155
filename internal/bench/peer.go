package bench

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"
)

// peerVariable names the environment variable that makes a process of this program the peer, and says where it listens.
const peerVariable = "BENCH_PEER"

// relayVariable names the one that makes the peer a relay, and says the URL of the peer to which it sends every request on.
const relayVariable = "BENCH_RELAY"

// startPeer starts a process that serves HTTP and does nothing: what a request costs that leads to another process and back. With the URL of
// another peer it asks that one, on a kept connection, before it answers: what two such requests cost.
func startPeer(ctx context.Context, relayTo string) (url string, stop func(), err error) {
	program, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return "", nil, err
	}
	peer := exec.CommandContext(ctx, program)
	// As a function's process is told what it is.
	peer.Args = []string{"bootstrap"}
	peer.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API=none", "_HANDLER="+HandlerName, peerVariable+"="+address, relayVariable+"="+relayTo)
	if err := peer.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = peer.Process.Kill()
		_ = peer.Wait()
	}
	url = "http://" + address
	if err := untilHealthy(ctx, url); err != nil {
		stop()
		return "", nil, err
	}
	return url, stop, nil
}

// servePeer serves until the process is killed.
func servePeer(address string) error {
	var handler http.Handler = http.HandlerFunc(answerNothing)
	if to := os.Getenv(relayVariable); to != "" {
		handler = &relay{to: to}
	}
	server := http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: time.Minute}
	return server.ListenAndServe()
}

// answerNothing reads the request and answers as a function that does nothing.
func answerNothing(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err == nil {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "null")
	}
}

// relay answers with what another peer answers to the first request: all are alike. It serves one at a time.
type relay struct {
	to string

	mu   sync.Mutex
	line *line // nil until the first request
}

func (p *relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost { // it is asked whether it is there
		answerNothing(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.line == nil {
		if p.line, err = dialPath(context.WithoutCancel(r.Context()), p.to, "lambda", "/", "", body); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
	}
	answer, err := p.line.call()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer)
}
