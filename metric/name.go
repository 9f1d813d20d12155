package metric

import (
	"cmp"
	"slices"
	"strings"

	"github.com/millrace/millrace/store"
)

// MaxDimensions is how many dimensions a metric may have.
const MaxDimensions = 30

// Scope is what metrics belong to.
type Scope struct {
	Account string // 12 digits
	Region  string
}

// Dimension is a part of a metric's identity.
type Dimension struct {
	Name, Value string
}

// Name says which metric of a scope is meant. The order of dimensions does not matter; Service keeps them sorted.
type Name struct {
	Namespace  string
	Metric     string
	Dimensions []Dimension
}

// sorted returns the name with a list of dimensions of its own, sorted by their names.
func (n Name) sorted() Name {
	n.Dimensions = slices.Clone(n.Dimensions)
	slices.SortFunc(n.Dimensions, func(a, b Dimension) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	return n
}

// key is the same for all forms of the name, and orders metrics by namespace, then by name.
func (n Name) key() string {
	parts := make([]string, 0, 2+2*len(n.Dimensions))
	parts = append(parts, n.Namespace, n.Metric)
	for _, d := range n.Dimensions {
		parts = append(parts, d.Name, d.Value)
	}
	return store.Key(parts...)
}

// check refuses what cannot be a name: the doors have said so in AWS's words before.
func (n Name) check() error {
	if n.Namespace == "" || n.Metric == "" || len(n.Dimensions) > MaxDimensions {
		return ErrName
	}
	for _, part := range store.SplitKey(n.key()) {
		if part == "" {
			return ErrName
		}
	}
	if len(store.SplitKey(n.key())) != 2+2*len(n.Dimensions) {
		return ErrName // a part holds the separator
	}
	return nil
}

// ours reports whether the metric is one that the house records of itself.
func (n Name) ours() bool { return strings.HasPrefix(n.Namespace, "AWS/") }
