package mapping

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
)

// secretBytes is the length of a key of AES-256.
const secretBytes = 32

// write returns the changes that store a row. The filters of one with a key are encrypted with AES-256-GCM, under a secret
// that is made for this write and used for nothing else. It lies in a table of its own, so that the row alone, wherever
// it gets, does not tell what is filtered for; whoever has the whole store can read both.
func (t table) write(r row, ifRevision uint64) ([]store.Write, error) {
	secret := t.secrets.Remove(r.UUID, 0)
	if r.Settings.KMSKey != "" && len(r.Settings.Filters) > 0 {
		key := make([]byte, secretBytes)
		rand.Read(key)
		aead, err := cipherOf(key)
		if err != nil {
			return nil, err
		}
		clear, err := json.Marshal(r.Settings.Filters)
		if err != nil {
			return nil, fmt.Errorf("encode filters of mapping %s: %w", r.UUID, err)
		}
		r.Sealed, r.Settings.Filters = aead.Seal(nil, make([]byte, aead.NonceSize()), clear, []byte(r.UUID)), nil
		if secret, err = t.secrets.Write(r.UUID, key, 0); err != nil {
			return nil, err
		}
	}
	put, err := t.rows.Write(r.UUID, r, ifRevision)
	return []store.Write{put, secret}, err
}

// open turns a row as the store has it into the one that was written.
func (t table) open(ctx context.Context, r row) (row, error) {
	if len(r.Sealed) == 0 {
		return r, nil
	}
	key, _, err := t.secrets.Get(ctx, r.UUID)
	if err == nil {
		err = r.unseal(key)
	}
	if errors.Is(err, store.ErrNotFound) {
		err = store.ErrCorrupt
	}
	if err != nil {
		return r, fmt.Errorf("read filters of mapping %s: %w", r.UUID, err)
	}
	return r, nil
}

func (r *row) unseal(key []byte) error {
	aead, err := cipherOf(key)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	clear, err := aead.Open(nil, make([]byte, aead.NonceSize()), r.Sealed, []byte(r.UUID))
	if err != nil {
		return fmt.Errorf("%w: they cannot be decrypted", store.ErrCorrupt)
	}
	r.Sealed = nil
	return json.Unmarshal(clear, &r.Settings.Filters)
}

func cipherOf(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
