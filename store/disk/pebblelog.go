package disk

import (
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
)

// pebbleLog hands what Pebble has to say to the store's log. Pebble's own logger ends the process when it meets what it
// cannot mend; here that ends the writing, and every write after it answers why.
type pebbleLog struct {
	log  *slog.Logger
	fail func(error) error
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

// listener reports trouble in the background. The rest of Pebble's events are not worth a line.
func (l *pebbleLog) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) { l.log.Warn("pebble: background work failed", "err", err) },
		DataCorruption:  func(info pebble.DataCorruptionInfo) { l.log.Error("pebble: corrupt data", "info", info.String()) },
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			l.log.Warn("pebble: writes wait for the disk", "reason", info.Reason)
		},
		WriteStallEnd: func() { l.log.Debug("pebble: writes go on") },
	}
}
