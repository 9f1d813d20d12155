package function_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
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

// TestCodeAndLayersAreBounded: together they must not be larger than code alone may be.
func TestCodeAndLayersAreBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("it extracts two layers of 130 MiB")
	}
	inBubble(t, func(t *testing.T, h *house) {
		large := strings.Repeat("x", 130<<20)
		a, b := h.publishLayer("a", large, "a"), h.publishLayer("b", large, "b")
		for _, c := range []struct {
			code   string
			layers []string
			want   function.CodeAndLayersError
		}{
			{large, []string{a.Ref.ARN()}, function.CodeAndLayersError{Size: 260 << 20}},
			{"code", []string{a.Ref.ARN(), b.Ref.ARN()}, function.CodeAndLayersError{Size: 260<<20 + 4, Layers: true}},
		} {
			_, err := h.functions.CreateWith(t.Context(), plain("f"), zipOf(t, c.code, "main.py"), function.Extras{Layers: c.layers})
			var refused *function.CodeAndLayersError
			if !errors.As(err, &refused) || *refused != c.want {
				t.Errorf("%+v, want %+v", err, c.want)
			}
		}
		if _, err := h.functions.CreateWith(t.Context(), plain("f"), zipOf(t, "code", "main.py"), function.Extras{Layers: []string{a.Ref.ARN()}}); err != nil {
			t.Error(err)
		}
	})
}
