package function

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/store"
)

// MaxLayers bounds the layers of a function.
const MaxLayers = 5

// LayerName says which layer is meant. It is comparable.
type LayerName struct{ Account, Region, Name string }

// ARN returns the name that AWS uses, without a version.
func (n LayerName) ARN() string {
	return arn.New("lambda", n.Region, n.Account, "layer:"+n.Name).String()
}

func (n LayerName) key(more ...string) string {
	return store.Key(append([]string{n.Account, n.Region, n.Name}, more...)...)
}

// LayerRef is a version of a layer.
type LayerRef struct {
	LayerName
	Version int
}

// ARN returns the name with the version.
func (r LayerRef) ARN() string { return r.LayerName.ARN() + ":" + strconv.Itoa(r.Version) }

// key sorts by the number.
func (r LayerRef) key() string { return r.LayerName.key(fmt.Sprintf("%019d", r.Version)) }

// ParseLayer reads the ARN of a version of a layer.
func ParseLayer(s string) (LayerRef, bool) {
	a, err := arn.Parse(s)
	if err != nil || a.Service != "lambda" {
		return LayerRef{}, false
	}
	parts := strings.Split(a.Resource, ":")
	if len(parts) != 3 || parts[0] != "layer" {
		return LayerRef{}, false
	}
	version, err := strconv.Atoi(parts[2])
	return LayerRef{LayerName{a.Account, a.Region, parts[1]}, version}, err == nil
}

// Layer is a version of a layer: a value that nobody changes. Its JSON form is part of the store's format.
type Layer struct {
	Ref                      LayerRef
	Description, LicenseInfo string
	Runtimes, Architectures  []string `json:",omitempty"` // that it is for; nil when it does not say
	Created                  time.Time
	// CodeBlob is the archive, CodeSize its length and UnzippedBytes that of its files.
	CodeBlob                store.BlobID
	CodeSize, UnzippedBytes int64
}

// Fits reports whether a layer says that it is for the runtime and the architecture; an empty one asks for nothing.
func (l Layer) Fits(runtime, architecture string) bool {
	return (runtime == "" || slices.Contains(l.Runtimes, runtime)) && (architecture == "" || slices.Contains(l.Architectures, architecture))
}

// AttachedLayer is a layer as a function has it: it stays when the layer is deleted.
type AttachedLayer struct {
	ARN                     string
	CodeBlob                store.BlobID
	CodeSize, UnzippedBytes int64
}

// layers are all layers in memory.
type layers struct {
	numbers    store.Collection[numbered]
	versions   store.Collection[Layer]
	policies   store.Collection[keptLayerPolicy]
	publishing locks[LayerName] // held while a layer is changed

	mu    sync.RWMutex
	names map[LayerName]*layerEntry
}

// numbered remembers the number of the newest version that there ever was, which is not used again.
type numbered struct{ Published int }

type layerEntry struct {
	published int
	versions  []Layer        // in the order of their numbers
	policies  map[int]Policy // by version
}

// keptLayerPolicy is a policy as the store keeps it.
type keptLayerPolicy struct {
	About  LayerRef
	Policy Policy
}

func newLayers(t store.Tables) *layers {
	return &layers{
		numbers:  store.NewCollection[numbered](t, "function-layers"),
		versions: store.NewCollection[Layer](t, "function-layer-versions"),
		policies: store.NewCollection[keptLayerPolicy](t, "function-layer-policies"),
		names:    make(map[LayerName]*layerEntry),
	}
}

// entry returns what there is of a layer, and makes it if there is nothing; the caller holds the mutex.
func (l *layers) entry(name LayerName) *layerEntry {
	e := l.names[name]
	if e == nil {
		e = &layerEntry{policies: make(map[int]Policy)}
		l.names[name] = e
	}
	return e
}

// find returns a version; the caller holds the mutex.
func (l *layers) find(ref LayerRef) (Layer, bool) {
	if e := l.names[ref.LayerName]; e != nil {
		for _, v := range e.versions {
			if v.Ref == ref {
				return v, true
			}
		}
	}
	return Layer{}, false
}

func (s *Service) loadLayers(ctx context.Context) error {
	for item, err := range s.layers.numbers.Scan(ctx, "") {
		if err != nil {
			return err
		}
		parts := store.SplitKey(item.Key)
		s.layers.entry(LayerName{parts[0], parts[1], parts[2]}).published = item.Value.Published
	}
	for item, err := range s.layers.versions.Scan(ctx, "") {
		if err != nil {
			return err
		}
		e := s.layers.entry(item.Value.Ref.LayerName)
		e.versions = append(e.versions, item.Value)
		s.code.hold(item.Value.CodeBlob)
	}
	for item, err := range s.layers.policies.Scan(ctx, "") {
		if err != nil {
			return err
		}
		s.layers.entry(item.Value.About.LayerName).policies[item.Value.About.Version] = item.Value.Policy
	}
	return nil
}

// PublishLayer makes the next version of a layer; its number, code and time are the room's. The error is one about the code,
// ErrStorageExceeded, or a failure of the store.
func (s *Service) PublishLayer(ctx context.Context, l Layer, zip []byte) (Layer, error) {
	name := l.Ref.LayerName
	unlock, err := s.changeLayer(ctx, name)
	if err != nil {
		return Layer{}, err
	}
	defer unlock()
	if err := s.checkStorage(Name{name.Account, name.Region, ""}, int64(len(zip))); err != nil {
		return Layer{}, err
	}
	a, err := openArchive(zip)
	if err != nil {
		return Layer{}, err
	}
	if l.CodeBlob, err = s.code.put(ctx, zip); err != nil {
		return Layer{}, err
	}
	l.CodeSize, l.UnzippedBytes, l.Created = int64(len(zip)), a.Size(), s.clock.Now()
	s.layers.mu.Lock()
	e := s.layers.entry(name)
	e.published++ // never used again, whatever becomes of this one
	l.Ref.Version = e.published
	s.layers.mu.Unlock()
	writes, err := s.layers.publication(l)
	if err != nil {
		s.code.release(context.WithoutCancel(ctx), l.CodeBlob)
		return Layer{}, err
	}
	err = s.commitLayer(ctx, name, func(ctx context.Context, made bool) {
		if !made {
			s.code.release(ctx, l.CodeBlob)
			return
		}
		s.layers.mu.Lock()
		e.versions = append(slices.Clip(e.versions), l)
		s.layers.mu.Unlock()
	}, writes...)
	if err != nil {
		return Layer{}, fmt.Errorf("store layer %s: %w", l.Ref.ARN(), err)
	}
	return l, nil
}

// publication returns what a version is stored as: itself, and that its number is used.
func (l *layers) publication(v Layer) ([]store.Write, error) {
	number, err := l.numbers.Write(v.Ref.LayerName.key(), numbered{v.Ref.Version}, 0)
	if err != nil {
		return nil, err
	}
	version, err := l.versions.Write(v.Ref.key(), v, store.Absent)
	return []store.Write{number, version}, err
}

// Layer returns a version of a layer as an account may see it: its own, and what a policy shows it. The error is a
// *LayerNotFoundError or a *LayerForbiddenError.
func (s *Service) Layer(account string, ref LayerRef) (Layer, error) {
	s.layers.mu.RLock()
	defer s.layers.mu.RUnlock()
	return s.layers.readable(account, ref)
}

// readable is Layer; the caller holds the mutex.
func (l *layers) readable(account string, ref LayerRef) (Layer, error) {
	found, there := l.find(ref)
	if ref.Account != account && (!there || !l.names[ref.LayerName].policies[ref.Version].shows(account)) {
		return Layer{}, &LayerForbiddenError{ARN: ref.ARN(), Account: account}
	}
	if !there {
		return Layer{}, &LayerNotFoundError{ARN: ref.ARN()}
	}
	return found, nil
}

// shows reports whether the policy of a layer lets another account use it. There are no organizations here.
func (p Policy) shows(account string) bool {
	for _, s := range p.Statements {
		var document struct {
			Principal any
			Condition any
		}
		if json.Unmarshal([]byte(s.Document), &document) != nil || document.Condition != nil {
			continue
		}
		if document.Principal == "*" {
			return true
		}
		if principal, ok := document.Principal.(map[string]any); ok && strings.Contains(fmt.Sprint(principal["AWS"]), ":iam::"+account+":root") {
			return true
		}
	}
	return false
}

// LayerVersions lists the versions of a layer that fit, the newest first, from below the given number, 0 for all.
func (s *Service) LayerVersions(name LayerName, runtime, architecture string, below, limit int) (list []Layer, more bool) {
	s.layers.mu.RLock()
	defer s.layers.mu.RUnlock()
	e := s.layers.names[name]
	if e == nil {
		return nil, false
	}
	for _, l := range slices.Backward(e.versions) {
		if (below == 0 || l.Ref.Version < below) && l.Fits(runtime, architecture) {
			list = append(list, l)
		}
	}
	if len(list) > limit {
		return list[:limit:limit], true
	}
	return list, false
}

// Layers lists the newest version that fits of each layer of an account in a region, in the order of their names, after
// the given one.
func (s *Service) Layers(account, region, runtime, architecture, after string, limit int) (list []Layer, more bool) {
	s.layers.mu.RLock()
	defer s.layers.mu.RUnlock()
	for name, e := range s.layers.names {
		if name.Account != account || name.Region != region || name.Name <= after {
			continue
		}
		for _, l := range slices.Backward(e.versions) {
			if l.Fits(runtime, architecture) {
				list = append(list, l)
				break
			}
		}
	}
	slices.SortFunc(list, func(a, b Layer) int { return strings.Compare(a.Ref.Name, b.Ref.Name) })
	if len(list) > limit {
		return list[:limit:limit], true
	}
	return list, false
}

// DeleteLayer removes a version of a layer with its policy; one that is not there is no error. Functions that have it keep it.
func (s *Service) DeleteLayer(ctx context.Context, ref LayerRef) error {
	unlock, err := s.changeLayer(ctx, ref.LayerName)
	if err != nil {
		return err
	}
	defer unlock()
	s.layers.mu.RLock()
	l, there := s.layers.find(ref)
	s.layers.mu.RUnlock()
	if !there {
		return nil
	}
	err = s.commitLayer(ctx, ref.LayerName, func(ctx context.Context, made bool) {
		if !made {
			return
		}
		s.layers.mu.Lock()
		e := s.layers.names[ref.LayerName]
		e.versions = slices.DeleteFunc(slices.Clone(e.versions), func(v Layer) bool { return v.Ref == ref })
		delete(e.policies, ref.Version)
		s.layers.mu.Unlock()
		s.code.release(ctx, l.CodeBlob)
	}, s.layers.versions.Remove(ref.key(), 0), s.layers.policies.Remove(ref.key(), 0))
	if err != nil {
		return fmt.Errorf("delete layer %s: %w", ref.ARN(), err)
	}
	return nil
}

// OpenLayer returns the archive of a layer and its length in bytes. The caller closes it.
func (s *Service) OpenLayer(ctx context.Context, ref LayerRef) (io.ReadCloser, int64, error) {
	l, err := s.Layer(ref.Account, ref)
	if err != nil {
		return nil, 0, err
	}
	blob, err := s.code.store.OpenBlob(ctx, l.CodeBlob)
	if err != nil {
		return nil, 0, fmt.Errorf("open code of %s: %w", ref.ARN(), err)
	}
	return blob, l.CodeSize, nil
}

// attach finds the layers that a function names, in their order, and makes the caller a user of their code, who gives it up
// with release. The error is ErrTooManyLayers, a *LayerNotFoundError, *LayerForbiddenError, *LayerTwiceError or
// *LayerElsewhereError.
func (s *Service) attach(of Name, arns []string) (attached []AttachedLayer, release func(), err error) {
	if len(arns) > MaxLayers {
		return nil, nil, ErrTooManyLayers
	}
	s.layers.mu.RLock()
	defer s.layers.mu.RUnlock()
	seen := make(map[LayerName]string)
	for _, name := range arns {
		ref, ok := ParseLayer(name)
		if !ok {
			return nil, nil, &LayerNotFoundError{ARN: name}
		}
		if ref.Region != of.Region {
			return nil, nil, &LayerElsewhereError{Region: of.Region}
		}
		l, err := s.layers.readable(of.Account, ref)
		if err != nil {
			return nil, nil, err
		}
		if other, twice := seen[ref.LayerName]; twice {
			return nil, nil, &LayerTwiceError{other, name}
		}
		seen[ref.LayerName] = name
		attached = append(attached, AttachedLayer{name, l.CodeBlob, l.CodeSize, l.UnzippedBytes})
	}
	for _, l := range attached {
		s.code.hold(l.CodeBlob)
	}
	return attached, func() {
		for _, l := range attached {
			s.code.release(context.Background(), l.CodeBlob)
		}
	}, nil
}
