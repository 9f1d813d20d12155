package mapping

import (
	"fmt"
	"regexp"

	"github.com/millrace/millrace/function"
)

// objectText tells of a document for a bucket: where it is to lie, and the records and the window of the event in it.
func (w *world) objectText(n Notice, payload *string) string {
	if payload == nil {
		w.t.Error("a document for a bucket has no payload")
		return ""
	}
	call, err := readEvent(function.Invocation{Payload: []byte(*payload)})
	if err != nil {
		w.t.Error(err)
	}
	if n.Account != testAccount || n.Region != testRegion {
		w.t.Errorf("a document of %s in %s", n.Account, n.Region)
	}
	w.mu.Lock()
	w.objects[n.Key]++
	times := w.objects[n.Key]
	w.mu.Unlock()
	key := anyUUID.ReplaceAllString(n.Key, "UUID")
	return fmt.Sprintf(" payload=%v%s key=%s (%d)", call.Labels, call.describe(w.began), key, times)
}

var anyUUID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
