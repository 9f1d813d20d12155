package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"sync"
)

// maxKeys bounds how many derived keys are kept.
const maxKeys = 4096

// scope is what a key is derived for.
type scope struct{ secret, date, region, service string }

// derived is the key with which the requests of one day, region and service are signed.
type derived [sha256.Size]byte

func (s scope) derive() derived {
	key := sum([]byte("AWS4"+s.secret), s.date)
	key = sum(key[:], s.region)
	key = sum(key[:], s.service)
	return sum(key[:], Terminator)
}

func sum(key []byte, text string) (out derived) {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	h.Sum(out[:0])
	return out
}

// keys are derived keys that have been used.
type keys struct {
	mu   sync.RWMutex
	kept map[scope]derived
}

func (k *keys) find(s scope) (derived, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	key, ok := k.kept[s]
	return key, ok
}

// keep keeps a key, in place of any other when there are too many.
func (k *keys) keep(s scope, key derived) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.kept) >= maxKeys {
		for other := range k.kept {
			delete(k.kept, other)
			break
		}
	}
	k.kept[s] = key
}
