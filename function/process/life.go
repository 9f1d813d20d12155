package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"syscall"
	"time"

	"github.com/millrace/millrace/function/process/sandbox"
)

// stage is what the processes of an instance are started with.
type stage struct {
	executor *Executor
	program  program
	// out and extensionsOut are what the runtime and the external extensions print to.
	out, extensionsOut *os.File
}

// live is the life of an instance's processes, from the first start to the last end. The kernel ends them with its thread.
func (i *instance) live(ctx context.Context, s stage, started chan<- error) {
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	if i.company != nil {
		i.liveInCompany(ctx, s, started)
		return
	}
	i.noteLaunched()
	c, err := s.executor.startChild(ctx, i.spec, s.program, s.out)
	_ = s.out.Close()
	if err != nil {
		started <- s.executor.startError(i.spec, err)
		return
	}
	i.enter(c)
	// Not before it is known who belongs to the instance. Who has connected already is served now.
	i.api.Serve(c.admission())
	started <- nil
	i.watch()
	close(i.gone)
}

// liveInCompany starts the extensions, the runtime when they have registered, and sees them off when it has ended.
func (i *instance) liveInCompany(ctx context.Context, s stage, started chan<- error) {
	box, err := i.gather(ctx, s)
	_ = s.extensionsOut.Close()
	started <- err
	if err != nil {
		_ = s.out.Close()
		return
	}
	for _, m := range i.company.members {
		i.life.Go(func() { i.missExtension(m) })
	}
	if i.startRuntime(context.WithoutCancel(ctx), s, box) {
		i.watch()
	} else {
		i.ended(sandbox.End{})
	}
	i.freezer.thaw()
	i.awaitClose()
	reason, limit := i.farewell()
	i.company.dismiss(i.api, reason, time.Now().Add(limit), i.limit/telemetryShare)
	if box != nil {
		box.Kill()
		box.Wait()
	}
	i.company.output.close()
	close(i.gone)
}

// gather starts the extensions: all of them, or none. With walls it returns the sandbox in which they are.
func (i *instance) gather(ctx context.Context, s stage) (*sandbox.Process, error) {
	names := s.program.extensions
	if s.executor.walls != nil {
		box, err := s.executor.walls.start(ctx, i.spec, s.program, s.out, s.extensionsOut)
		if failed, ok := errors.AsType[*sandbox.CompanionError](err); ok {
			return nil, launchFailure(i.spec.Log, names, slices.Index(names, filepath.Base(failed.Path)), err)
		}
		if err != nil {
			return nil, s.executor.startError(i.spec, err)
		}
		for n, name := range names {
			i.company.members = append(i.company.members, boxedMember(name, box, n+1))
		}
		c := shared{boxed{box, s.executor.walls.guarded}}
		i.enter(c)
		i.api.Serve(c.admission())
		return box, nil
	}
	i.api.Serve(nil)
	p := s.program
	p.env = p.extensionEnv
	for n, name := range names {
		m, err := i.accompany(ctx, name, filepath.Join(i.spec.LayersDir, extensionsFolder, name), p, s.extensionsOut)
		if err != nil {
			i.company.kill()
			for _, m := range i.company.members {
				<-m.done
			}
			return nil, launchFailure(i.spec.Log, names, n, err)
		}
		i.company.members = append(i.company.members, m)
	}
	return nil, nil
}

// startRuntime starts the runtime when all extensions have registered. It reports false when there is none, since it could not
// be started or the instance ends before.
func (i *instance) startRuntime(ctx context.Context, s stage, box *sandbox.Process) bool {
	defer s.out.Close()
	select {
	case <-i.api.Registered():
	case <-i.stopping:
		return false
	}
	i.noteLaunched()
	var c child
	var err error
	if box != nil {
		c, err = shared{boxed{box, s.executor.walls.guarded}}, box.Proceed()
	} else {
		c, err = startBare(ctx, s.program, s.out)
	}
	if err != nil {
		i.mu.Lock()
		i.unstarted, i.launched = s.executor.startError(i.spec, err), false
		i.mu.Unlock()
		return false
	}
	i.enter(c)
	return true
}

// noteLaunched notes that the runtime is started. It is called before it is: the runtime may be ready sooner than we know that it runs.
func (i *instance) noteLaunched() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.launched = true
}

// enter makes the child known. A runtime that has started while the instance was ended goes at once.
func (i *instance) enter(c child) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.child.Store(&c)
	if i.cause != exited {
		i.killed = true
		c.kill()
	}
}

// watch waits for the runtime's process and clears up after it.
func (i *instance) watch() {
	c := *i.child.Load()
	c.await()
	if i.company == nil {
		i.freezer.end()
	} else {
		i.freezer.thaw()
	}
	i.mu.Lock()
	c.kill()        // whom it left behind
	end := c.Wait() // does not wait any more
	i.reaped = true
	i.mu.Unlock()
	i.ended(end)
}

// ended is called when the runtime's process has ended, or there will never be one.
func (i *instance) ended(end sandbox.End) {
	i.mu.Lock()
	i.end, i.reaped = end, true
	if !i.ending.IsZero() {
		i.took = time.Since(i.ending)
	}
	i.timer.Stop()
	settled := i.settled
	i.settled = nil
	i.mu.Unlock()

	i.output.close()
	close(i.done)
	if settled != nil {
		settled()
	}
}

// awaitClose gives who has the instance time to tell how its last invocation went.
func (i *instance) awaitClose() {
	timer := time.NewTimer(i.limit / closeShare)
	defer timer.Stop()
	select {
	case <-i.closing:
	case <-timer.C:
	}
}

// farewell is what the extensions are told: why the instance ends; and how long they have.
func (i *instance) farewell() (reason string, limit time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch i.cause {
	case closed:
		return "spindown", i.limit - i.took
	case expired:
		return "timeout", i.limit - i.took
	case exceeded:
		return "failure", 0
	}
	return "failure", i.limit - i.took
}

// missExtension ends the instance when an extension has ended before it.
func (i *instance) missExtension(m *member) {
	<-m.done
	end := m.end()
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.reaped || i.cause != exited {
		return
	}
	if end.OutOfMemory {
		i.killLocked(exceeded)
		return
	}
	i.missing = end.Status
	i.terminateLocked(crashed, share(i.limit, runtimeShare))
}

// stop ends the instance. One that has extensions is asked to, and has some time; others are not asked, as at AWS.
func (i *instance) stop(why cause) {
	all, external := i.api.Extensions()
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.reaped || i.cause != exited:
	case external > 0:
		i.terminateLocked(why, share(i.limit, runtimeShare))
	case all > 0:
		i.terminateLocked(why, share(i.limit, internalShare))
	default:
		i.killLocked(why)
	}
}

// terminateLocked asks the runtime to end, and kills it after a while.
func (i *instance) terminateLocked(why cause, grace time.Duration) {
	i.endLocked(why)
	i.freezer.thaw()
	if c := i.child.Load(); c != nil {
		(*c).terminate()
	}
	i.timer.Reset(grace)
}

// endLocked notes why the instance ends, unless it does so already.
func (i *instance) endLocked(why cause) {
	if i.cause != exited {
		return
	}
	i.cause, i.ending = why, time.Now()
	close(i.stopping)
}

// kill ends the runtime at once.
func (i *instance) kill(why cause) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.killLocked(why)
}

func (i *instance) killLocked(why cause) {
	if why == exceeded && i.company != nil {
		i.company.kill() // it may be theirs
	}
	if i.reaped || i.killed {
		return
	}
	i.endLocked(why)
	i.killed = true
	if c := i.child.Load(); c != nil {
		(*c).kill()
	}
}

// expire is called when an invocation has run out of time, when an instance that was asked to end has not, and once more when
// that has not ended it either.
func (i *instance) expire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.reaped:
	case i.killed:
		if i.cause == expired {
			close(i.stuck)
		}
	case i.cause != exited: // it was asked
		i.killLocked(i.cause)
		i.timer.Reset(killGrace)
	case i.deadline.IsZero() || time.Now().Before(i.deadline):
		// It was answered in the last moment, and this call is late.
	case i.company != nil:
		i.terminateLocked(expired, share(i.limit, runtimeShare))
	default:
		i.killLocked(expired)
		i.timer.Reset(killGrace)
	}
}

// processes lists all processes of the instance.
func (i *instance) processes() []string {
	var all []string
	if c := i.child.Load(); c != nil {
		all = (*c).processes()
	}
	if i.company != nil {
		for _, m := range i.company.members {
			all = append(all, folders(m.family())...)
		}
	}
	return all
}

// family lists the ids of all processes of the instance, where it can.
func (i *instance) family() []int {
	var all []int
	if c := i.child.Load(); c != nil {
		all = (*c).family()
	}
	if i.company != nil {
		for _, m := range i.company.members {
			all = append(all, m.family()...)
		}
	}
	return all
}

// Done is closed when the process has ended.
func (i *instance) Done() <-chan struct{} { return i.done }

// Close ends the instance and returns when its processes are reaped and nothing of it is left.
func (i *instance) Close() {
	i.stop(closed)
	i.closed.Do(func() { close(i.closing) })
	<-i.gone
	i.api.Close()
	i.life.Wait()
}

// exitText says how a process ended, as AWS has it.
func exitText(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "signal: " + status.Signal().String()
	}
	return fmt.Sprintf("exit status %d", status.ExitStatus())
}
