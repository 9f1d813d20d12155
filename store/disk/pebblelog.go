package disk

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// pebbleLog hands what Pebble has to say to the store's log. Pebble's own logger ends the process when it meets what it
// cannot mend; here that ends the writing, and every write after it answers why.
type pebbleLog struct {
	log  *slog.Logger
	fail func(error) error

	mu       sync.Mutex
	reported time.Time // when trouble in the background was last reported
}

// troubleInterval is how often trouble in the background is reported: Pebble tries again at once, and for ever.
const troubleInterval = 10 * time.Second

// trouble reports trouble in the background, if that was not done lately.
func (l *pebbleLog) trouble(what string, err error) {
	l.mu.Lock()
	quiet := time.Since(l.reported) < troubleInterval
	if !quiet {
		l.reported = time.Now()
	}
	l.mu.Unlock()
	if !quiet {
		l.log.Warn(what, "err", err)
	}
}

// Infof implements pebble.Logger.
func (l *pebbleLog) Infof(format string, args ...any) {
	l.log.Debug("pebble: " + fmt.Sprintf(format, args...))
}

// Errorf implements pebble.Logger.
func (l *pebbleLog) Errorf(format string, args ...any) {
	l.log.Warn("pebble: " + fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger. Unlike Pebble's own it returns: the file system below lets nothing reach the disk
// after a failure, so whatever Pebble goes on to do harms nothing.
func (l *pebbleLog) Fatalf(format string, args ...any) {
	_ = l.fail(fmt.Errorf("pebble: "+format, args...))
}

// listener reports trouble in the background, and to the guard which files are rewritten. The rest of Pebble's events are
// not worth a line.
func (l *pebbleLog) listener(r *rewrites) *pebble.EventListener {
	return &pebble.EventListener{
		BlobFileRewriteBegin: func(info pebble.BlobFileRewriteInfo) { r.begin(uint64(info.Input.DiskFileNum)) },
		BlobFileRewriteEnd: func(info pebble.BlobFileRewriteInfo) {
			r.end(uint64(info.Input.DiskFileNum))
			if info.Err != nil {
				l.trouble("pebble: rewrite failed", info.Err)
			}
		},
		BackgroundError: func(err error) { l.trouble("pebble: background work failed", err) },
		DataCorruption:  func(info pebble.DataCorruptionInfo) { l.log.Error("pebble: corrupt data", "info", info.String()) },
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			l.log.Warn("pebble: writes wait for the disk", "reason", info.Reason)
		},
		WriteStallEnd: func() { l.log.Debug("pebble: writes go on") },
	}
}
