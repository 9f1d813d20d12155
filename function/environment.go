package function

import (
	"container/list"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"time"
)

// deployment is one state of a function that can be invoked: its settings and its code. An update makes another.
type deployment struct {
	function  Function
	elsewhere bool    // Executor.Elsewhere
	samples   Samples // takes what is measured
	// ended is called once, when the deployment is retired and its last environment has ended.
	ended func()

	// Guarded by the pool's mutex.
	retired  bool
	live     int            // environments that have not ended
	idle     []*environment // the one used last is at the end
	settling []*environment

	provisioned provisionedOf
}

// deploy returns a deployment of the function. It uses the function's code until it is retired and nothing of it runs.
func (s *Service) deploy(f Function, samples Samples) *deployment {
	s.code.holdAll(f)
	layers := mergedID(f.Layers)
	if len(f.Layers) > 0 {
		s.code.hold(layers)
	}
	return &deployment{
		function: f, elsewhere: s.executor.Elsewhere(f), samples: samples,
		ended: func() {
			s.code.releaseAll(context.Background(), f)
			if len(f.Layers) > 0 {
				s.code.release(context.Background(), layers)
			}
		},
	}
}

// environment is an instance in the pool: the execution environment of a deployment.
type environment struct {
	deployment *deployment
	log        *environmentLog // set by who starts the instance; so is the name of the log stream
	stream     string

	provisioned bool // started ahead of invocations, for an allocation

	// Guarded by the pool's mutex. Who has an environment in the phase busy may also read the instance without.
	instance Instance // nil until it has started
	phase    phase
	settled  bool      // the instance is done with the invocation that it has
	claim    *claim    // of the invocation that has it next; only while it is settling
	since    time.Time // when it became idle
	born     time.Time
	element  *list.Element // its place among the idle

	allocation *allocation // of one that is provisioned, until it has ended
}

// phase is what an environment is doing.
type phase int

const (
	busy     phase = iota // an invocation starts it or runs in it
	settling              // the invocation was answered; the instance still has something to do
	idle
	ended // to be closed, or closed
)

// claim is an invocation that waits for an environment to settle.
type claim struct {
	ready chan struct{} // closed when the waiting is over
	got   *environment  // what it got; nil when the environment ended
}

// EnvironmentLife is how long an environment is given invocations. Its credentials are good a while longer.
const EnvironmentLife = 11 * time.Hour

// old reports whether an environment is to be given no more.
func (p *pool) old(e *environment) bool { return p.clock.Since(e.born) >= EnvironmentLife }

// dead reports whether the instance has ended by itself.
func (e *environment) dead() bool {
	select {
	case <-e.instance.Done():
		return true
	default:
		return false
	}
}

// start makes the instance of a new environment. The error is an *InitError when the function is to blame.
func (s *Service) start(ctx context.Context, e *environment) error {
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-s.pool.stopping:
			cancel()
		case <-ctx.Done():
		}
	})
	defer watch.Wait()
	defer cancel()
	f := e.deployment.function
	folder, err := s.code.folder(ctx, f.CodeBlob)
	if err != nil {
		return fmt.Errorf("prepare code of %s: %w", f.ARN(), err)
	}
	e.stream = logStream(s.clock.Now(), f)
	spec := Spec{Function: f, Version: f.Version, CodeDir: folder, LogStream: e.stream, Provisioned: e.provisioned}
	e.log = s.openLog(spec)
	spec.Log = e.log
	if spec.LayersDir, err = s.code.layersFolder(ctx, f.Layers); err != nil {
		return fmt.Errorf("prepare layers of %s: %w", f.ARN(), err)
	}
	instance, err := s.executor.Start(ctx, spec)
	if err != nil {
		return err
	}
	return s.pool.attach(e, instance)
}

// logStream names an environment as AWS does: day, version and a number of its own; in a log group that it may share with other
// functions also the function.
func logStream(now time.Time, f Function) string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	name := ""
	if f.LogGroup != defaultLogGroup(f.Name) {
		name = f.Name.Name
	}
	return fmt.Sprintf("%s/%s[%s]%s", now.UTC().Format("2006/01/02"), name, f.Version, hex.EncodeToString(id[:]))
}

func defaultLogGroup(n Name) string { return "/aws/lambda/" + n.Name }
