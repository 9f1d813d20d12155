package function_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/millrace/millrace/function"
)

func layerNamed(s string) function.LayerRef {
	return function.LayerRef{LayerName: function.LayerName{Account: "123456789012", Region: "eu-west-1", Name: s}}
}

// zipOf is an archive with files of the given names, each of which holds the given text.
func zipOf(t testing.TB, text string, names ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range names {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (h *house) publishLayer(name, text string, files ...string) function.Layer {
	h.t.Helper()
	l, err := h.functions.PublishLayer(h.t.Context(), function.Layer{Ref: layerNamed(name)}, zipOf(h.t, text, files...))
	if err != nil {
		h.t.Fatal(err)
	}
	return l
}

// TestLayersLieOverEachOther: the instance has one folder of all layers, in which the later ones win; a layer that is deleted
// stays with the functions and versions that have it, also over a restart.
func TestLayersLieOverEachOther(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		one := h.publishLayer("one", "one", "bin/tool", "shared", "folder/a")
		two := h.publishLayer("two", "two", "shared", "folder/b", "bin/tool/below")
		_, err := h.functions.CreateWith(t.Context(), plain("f"), code(t, "f"), function.Extras{Layers: []string{one.Ref.ARN(), two.Ref.ARN()}})
		if err != nil {
			t.Fatal(err)
		}
		h.settle()
		for _, ref := range []function.LayerRef{one.Ref, two.Ref} {
			if err := h.functions.DeleteLayer(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
		}
		check := func() {
			t.Helper()
			h.expect("f", "f")
			dir := h.executor.started[len(h.executor.started)-1].LayersDir
			for name, want := range map[string]string{"shared": "two", "folder/a": "one", "folder/b": "two", "bin/tool/below": "two"} {
				if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
					t.Errorf("%s: %q %v", name, got, err)
				}
			}
		}
		check()
		h.stop()
		h.open()
		check()
		dir := h.executor.started[len(h.executor.started)-1].LayersDir
		if _, err := h.functions.UpdateConfiguration(t.Context(), name("f"), function.ConfigurationUpdate{Layers: []string{}}); err != nil {
			t.Fatal(err)
		}
		h.settle()
		h.expect("f", "f")
		if got := h.executor.started[len(h.executor.started)-1].LayersDir; got != "" {
			t.Errorf("layers in %s", got)
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("the folder of layers that nobody uses: %v", err)
		}
		for _, l := range []function.Layer{one, two} {
			if _, err := h.store.OpenBlob(t.Context(), l.CodeBlob); err == nil {
				t.Errorf("the code of %s, which nobody uses, is still there", l.Ref.ARN())
			}
		}
	})
}

func TestLayersSurvive(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.publishLayer("l", "one", "a")
		two := h.publishLayer("l", "two", "a")
		_, revision, err := h.functions.AddLayerPermission(t.Context(), two.Ref, function.LayerPermission{Sid: "s", Action: "lambda:GetLayerVersion", Principal: "210987654321"})
		if err != nil {
			t.Fatal(err)
		}
		h.stop()
		h.open()
		if l, err := h.functions.Layer("210987654321", two.Ref); err != nil || l.CodeBlob != two.CodeBlob {
			t.Errorf("%+v %v", l, err)
		}
		var forbidden *function.LayerForbiddenError
		if _, err := h.functions.Layer("000000000000", two.Ref); !errors.As(err, &forbidden) {
			t.Errorf("another account: %v", err)
		}
		if p, err := h.functions.LayerPolicy(two.Ref); err != nil || p.RevisionID != revision {
			t.Errorf("%+v %v", p, err)
		}
		if err := h.functions.DeleteLayer(t.Context(), two.Ref); err != nil {
			t.Fatal(err)
		}
		h.stop()
		h.open()
		if three := h.publishLayer("l", "three", "a"); three.Ref.Version != 3 {
			t.Errorf("version %d is used again", three.Ref.Version)
		}
		if _, err := h.functions.LayerPolicy(two.Ref); err == nil {
			t.Error("the policy of a deleted layer is still there")
		}
	})
}

// TestCodeAndLayersAreBounded: together they must not be larger than code alone may be. The code is one that only says how
// large it is, which it is judged by before it is looked into.
func TestCodeAndLayersAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		l := h.publishLayer("l", "layer", "l")
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		if _, err := w.CreateRaw(&zip.FileHeader{Name: "main.py", UncompressedSize64: 262144000 - 4}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := h.functions.CreateWith(t.Context(), plain("f"), out.Bytes(), function.Extras{Layers: []string{l.Ref.ARN()}})
		var refused *function.CodeAndLayersError
		if !errors.As(err, &refused) || *refused != (function.CodeAndLayersError{Size: 262144001}) {
			t.Error(err)
		}
	})
}
