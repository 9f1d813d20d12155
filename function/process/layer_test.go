package process_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/process"
)

// TestLayers: isolated or not, functions find what is in their layers, those on top first; a provided runtime may be in one.
func TestLayers(t *testing.T) {
	t.Run("isolated", func(t *testing.T) { layers(t, behindWalls(t)) })
	t.Run("plain", func(t *testing.T) {
		layers(t, open(t, func(_ *function.Config, p *process.Config) { p.Isolation = process.Off }))
	})
}

func layers(t *testing.T, h *house) {
	first := h.layer("first", files{
		"python/words.py": "word = 'first'", "python/other.py": "word = 'other'",
		"nodejs/node_modules/words/index.js": "module.exports = 'first'",
	})
	second := h.layer("second", files{
		"python/words.py": "word = 'second'", "bin/say*": "#!/bin/sh\necho said", "bootstrap*": "@" + filepath.Join(programs, "gobootstrap"),
	})
	h.deployWith("provided", "provided.al2023", "echo", files{"x": ""}, first, second)
	if result := h.invoke("provided", `"x"`); result.FunctionError != "" {
		t.Errorf("provided: %s", result.Payload)
	}
	if all := pythons(); len(all) > 0 {
		h.deployWith("python", all[0], "main.handler", files{"main.py": "import words, other, subprocess\n" +
			"def handler(event, context):\n    return [words.word, other.word, subprocess.check_output(['say'], text=True)]"}, first, second)
		if got, want := string(h.invoke("python", "{}").Payload), `["second", "other", "said\n"]`; got != want {
			t.Errorf("python: %s, want %s", got, want)
		}
	}
	if _, err := exec.LookPath("node"); err == nil {
		h.deployWith("node", "nodejs20.x", "main.handler", files{"main.js": "exports.handler = async () => require('words')"}, first, second)
		if got, want := string(h.invoke("node", "{}").Payload), `"first"`; got != want {
			t.Errorf("node: %s, want %s", got, want)
		}
	}
}

func (h *house) layer(name string, content files) string {
	h.t.Helper()
	l := function.Layer{Ref: function.LayerRef{LayerName: function.LayerName{Account: account, Region: region, Name: name}}}
	l, err := h.functions.PublishLayer(h.t.Context(), l, archive(h.t, content))
	if err != nil {
		h.t.Fatal(err)
	}
	return l.Ref.ARN()
}

func (h *house) deployWith(name, runtime, handler string, content files, layers ...string) {
	h.t.Helper()
	f := function.Function{Name: ref(name).Name, Runtime: runtime, Handler: handler, Role: "arn:aws:iam::" + account + ":role/r"}
	if _, err := h.functions.CreateWith(h.t.Context(), f, archive(h.t, content), function.Extras{Layers: layers}); err != nil {
		h.t.Fatal(err)
	}
	if got := h.settled(name); got.State != function.Active {
		h.t.Fatalf("%s is %s: %s", name, got.State, got.StateReason)
	}
}
