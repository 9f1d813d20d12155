package bench

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// peerVariable names the environment variable that makes a process of this program the peer, and says where it listens.
const peerVariable = "BENCH_PEER"

// startPeer starts a process that serves HTTP and does nothing: what a request costs that leads to another process and back.
func startPeer(ctx context.Context) (url string, stop func(), err error) {
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
	peer.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API=none", "_HANDLER="+HandlerName, peerVariable+"="+address)
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
	server := http.Server{Addr: address, Handler: http.HandlerFunc(answerNothing), ReadHeaderTimeout: time.Minute}
	return server.ListenAndServe()
}

// answerNothing reads the request and answers as a function that does nothing.
func answerNothing(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err == nil {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "null")
	}
}
