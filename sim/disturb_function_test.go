package sim

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/function"
)

const role = "arn:aws:iam::123456789012:role/r"

// code is an archive that differs with its content.
func code(content string) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	f, _ := z.Create("main.py")
	_, _ = f.Write([]byte(content))
	_ = z.Close()
	return out.Bytes()
}

// createFunction makes a function, which is there then even if it was before.
func (w *world) createFunction(h *house, name string) bool {
	f := function.Function{Name: functionName(name), Runtime: "python3.12", Handler: "main.handler", Role: role}
	return w.insist(h, func() error {
		_, err := h.functions.Create(h.ctx, f, code(name))
		if errors.Is(err, function.ErrExists) {
			return nil
		}
		return err
	})
}

// someFunction is the name of a function of some link.
func (w *world) someFunction() (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.links) == 0 {
		return "", false
	}
	return w.links[w.random.IntN(len(w.links))].functions[w.random.IntN(2)], true
}

// moody changes for a while how some functions behave.
func (w *world) moody(what string, change func(m *mood)) {
	name, ok := w.someFunction()
	if !ok {
		return
	}
	w.mu.Lock()
	m := mood{}
	change(&m)
	w.moods[name] = m
	w.note("%s: %+v", name, m)
	w.mu.Unlock()
	w.lasting(name+" "+what, func(*house) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.moods, name)
		return true
	})
}

func functionsFail(w *world, _ *house) {
	w.moody("fails", func(m *mood) {
		m.raises, m.crashes, m.vanishes = w.random.IntN(60), w.random.IntN(40), w.random.IntN(40)
		m.namesFailed = w.random.IntN(60)
	})
}

func functionsAreSlow(w *world, _ *house) {
	w.moody("is slow", func(m *mood) {
		m.slowest = time.Duration(1+w.random.IntN(4000)) * time.Millisecond // the timeout is 3 s
	})
}

func functionsAnswerWrongly(w *world, _ *house) {
	w.moody("answers wrongly", func(m *mood) {
		m.garbles, m.misnames, m.bloats, m.namesFailed = w.random.IntN(50), w.random.IntN(50), w.random.IntN(50), w.random.IntN(50)
	})
}

func functionsDoNotStart(w *world, _ *house) {
	w.moody("does not start", func(m *mood) { m.startsBadly, m.crashes = 70, 50 })
}

// functionIsThrottled lets others take all the places there are.
func functionIsThrottled(w *world, h *house) {
	const hog = "hog"
	if !w.createFunction(h, hog) {
		return
	}
	w.mu.Lock()
	w.moods[hog] = mood{slowest: 3 * time.Second}
	w.mu.Unlock()
	for range 1 + w.random.IntN(20) {
		w.producers.Go(func() {
			_, _ = h.functions.Invoke(h.ctx, function.Invocation{Ref: function.Ref{Name: functionName(hog)}})
		})
	}
}

func functionIsDeleted(w *world, h *house) {
	name, ok := w.someFunction()
	if !ok {
		return
	}
	if err := h.functions.Delete(h.ctx, functionName(name)); err != nil && !h.excused(err, function.ErrNotFound) {
		w.failf("delete %s: %v", name, err)
	}
	w.say("%s is deleted", name)
	w.lasting(name+" is gone", func(h *house) bool { return w.createFunction(h, name) })
}

func functionIsUpdated(w *world, h *house) {
	name, ok := w.someFunction()
	if !ok {
		return
	}
	var err error
	if w.chance(50) {
		_, err = h.functions.UpdateCode(h.ctx, functionName(name), function.CodeUpdate{Zip: code(fmt.Sprint(name, w.random.IntN(5)))})
	} else {
		timeout := time.Duration(1+w.random.IntN(5)) * time.Second
		_, err = h.functions.UpdateConfiguration(h.ctx, functionName(name), function.ConfigurationUpdate{Timeout: &timeout})
	}
	var updating *function.UpdatingError
	var unready *function.NotReadyError
	if err != nil && !errors.As(err, &updating) && !errors.As(err, &unready) && !h.excused(err, function.ErrNotFound) {
		w.failf("update %s: %v", name, err)
	}
}
