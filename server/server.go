package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/internal/authority"
	"github.com/millrace/millrace/internal/scratch"
	"github.com/millrace/millrace/internal/testclock"
	"github.com/millrace/millrace/store/disk"
)

// Server is a house with its doors bound: New makes it, Run opens it.
type Server struct {
	config                Config
	log                   *slog.Logger
	store                 *disk.Store
	rooms                 rooms
	authority             *authority.Authority
	pageGuard             guard
	doorway               *doorway
	http                  *http.Server
	rootKeyID, rootSecret string           // empty in the mode AuthOpen
	testClock             *testclock.Clock // the Config's Clock; nil unless that is a test clock
	scratch               *scratch.Folder  // removed at the end; nil unless in memory mode
}

// New opens the store, builds the rooms from what it holds, and binds the listening address. It starts nothing: Run does,
// and Run must be called, since it also closes what New opened.
func New(c Config) (*Server, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, log: c.Log}
	if c.TestClock {
		s.testClock = testclock.New()
		s.config.Clock = s.testClock
	}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *Server) open() error {
	c := s.config
	// The address first: a second server on the same address should not touch the data.
	listener, err := listen(c.Listen)
	if err != nil {
		return err
	}
	if err := s.certify(listener); err != nil {
		return errors.Join(err, listener.Close())
	}
	codeDir := filepath.Join(c.DataDir, "code")
	if c.Memory {
		if s.scratch, err = scratch.Make("", "millrace-memory-"); err != nil {
			return err
		}
		codeDir = filepath.Join(s.scratch.Path(), "code")
	}
	s.store, err = disk.Open(disk.Options{Dir: c.DataDir, Memory: c.Memory, Log: s.log})
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	if s.rooms, err = buildRooms(c, s.store, codeDir, s.URL()); err != nil {
		return err
	}
	s.pageGuard = guard{s.rooms.identities, s.verifier()}
	if err := s.giveRootKeys(); err != nil {
		return err
	}
	s.http = s.newHTTPServer(s.routes())
	s.http.RegisterOnShutdown(s.rooms.queues.EndWaits)
	s.http.RegisterOnShutdown(s.rooms.streams.EndSubscriptions)
	s.http.RegisterOnShutdown(s.rooms.logs.EndTails)
	return nil
}

// close releases what open took.
func (s *Server) close() error {
	var errs []error
	if s.doorway != nil {
		if err := s.doorway.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	if s.scratch != nil {
		errs = append(errs, s.scratch.Remove())
	}
	return errors.Join(errs...)
}

// URL is the address that clients use as their endpoint, without a slash at its end.
func (s *Server) URL() string { return "http://" + s.doorway.Addr().String() }

// newHTTPServer answers HTTP/1.1 and HTTP/2: over TLS as the client prefers, in clear text to clients with prior knowledge.
func (s *Server) newHTTPServer(handler http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           handler,
		Protocols:         protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 1000},
		ReadHeaderTimeout: 10 * time.Second, // a TLS handshake too
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// Run serves until the context ends, then stops from the street inwards and returns nil. It returns earlier, with an
// error, when a part of the house fails. Everything it started has stopped when it returns, and the server is closed: it
// cannot be run again.
func (s *Server) Run(ctx context.Context) error {
	s.log.Info("millrace is ready", "url", s.URL(), "data", s.place(), "version", revision())
	failed := make(chan error, 1)
	fail := func(what string, err error) {
		select {
		case failed <- fmt.Errorf("%s: %w", what, err):
		default: // the first failure is the one that counts
		}
	}
	// In the order in which they start; they stop in the reverse order.
	var inside []*resident
	for _, r := range s.residents() {
		inside = append(inside, r)
		r.start(fail)
	}
	doors := make(chan struct{})
	s.doorway.open()
	go func() {
		defer close(doors)
		if err := s.http.Serve(s.doorway); !errors.Is(err, http.ErrServerClosed) {
			fail("doors", err)
		}
	}()

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		s.log.Error("stopping", "err", err)
	}
	if s.testClock != nil {
		s.testClock.Freeze(false) // who has something to end may wait by it
	}
	errs := []error{err, s.closeDoors()}
	<-doors
	for i := len(inside) - 1; i >= 0; i-- {
		inside[i].stop()
	}
	errs = append(errs, s.close())
	s.log.Info("millrace has stopped")
	return errors.Join(errs...)
}

func (s *Server) place() string {
	if s.config.Memory {
		return "memory"
	}
	return s.config.DataDir
}

// closeDoors takes no new requests and waits for those under way as long as StopGrace; then it cuts them off.
func (s *Server) closeDoors() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.config.StopGrace)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return s.http.Close()
	}
	return err
}

// resident is a room that runs.
type resident struct {
	name string
	run  func(context.Context) error
	end  context.CancelFunc
	done chan struct{}
}

func (r *resident) start(fail func(what string, err error)) {
	// Not the context of Run: rooms stop one after the other, when their turn comes.
	ctx, end := context.WithCancel(context.Background())
	r.end, r.done = end, make(chan struct{})
	go func() {
		defer close(r.done)
		if err := r.run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			fail(r.name, err)
		}
	}()
}

// stop ends the room and waits until it has ended.
func (r *resident) stop() {
	r.end()
	<-r.done
}
