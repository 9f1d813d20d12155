package function

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"

	"github.com/millrace/millrace/function/archive"
	"github.com/millrace/millrace/store"
)

// holdAll makes the caller a user of a function's code and of that of its layers.
func (c *codeShelf) holdAll(f Function) {
	c.hold(f.CodeBlob)
	for _, l := range f.Layers {
		c.hold(l.CodeBlob)
	}
}

// releaseAll gives that up.
func (c *codeShelf) releaseAll(ctx context.Context, f Function) {
	c.release(ctx, f.CodeBlob)
	for _, l := range f.Layers {
		c.release(ctx, l.CodeBlob)
	}
}

// mergedID names the folder of a list of layers, among the folders of archives. It is the hash of the list.
func mergedID(layers []AttachedLayer) store.BlobID {
	list := []byte("layers\n")
	for _, l := range layers {
		list = append(list, l.CodeBlob[:]...)
	}
	return sha256.Sum256(list)
}

// layersFolder returns the folder in which layers lie over each other in their order, the last on top; "" for none. The
// caller is a user of it, and of the layers.
func (c *codeShelf) layersFolder(ctx context.Context, layers []AttachedLayer) (string, error) {
	if len(layers) == 0 {
		return "", nil
	}
	id := mergedID(layers)
	unlock, err := c.busy.lock(ctx, id)
	if err != nil {
		return "", err
	}
	defer unlock()
	archives := make([]*archive.Archive, 0, len(layers))
	if _, err := os.Stat(c.path(id)); err == nil {
		return c.path(id), nil
	}
	for _, l := range layers {
		zip, err := c.read(ctx, l.CodeBlob)
		if err != nil {
			return "", fmt.Errorf("layer %s: %w", l.ARN, err)
		}
		a, err := archive.Open(zip)
		if err != nil {
			return "", fmt.Errorf("layer %s: %w", l.ARN, err)
		}
		archives = append(archives, a)
	}
	return c.path(id), c.extract(id, archives...)
}

// extractOver writes archives into a folder, each over those before it.
func extractOver(dir string, archives []*archive.Archive) error {
	var errs []error
	for i, a := range archives {
		if i == 0 {
			errs = append(errs, a.Extract(dir))
			continue
		}
		errs = append(errs, a.ExtractOver(dir))
	}
	return errors.Join(errs...)
}
