package lambda

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/function"
)

// CodePath is the path below which CodeHandler serves the archives of functions.
const CodePath = "/_millrace/code/"

// linkLife is how long a link to a function's code is good, as AWS's.
const linkLife = 10 * time.Minute

// codeLinks makes and checks links to code: whoever has one may fetch the archive that just that function has
// then, until the link expires. The key lives as long as the process; so do its links.
type codeLinks struct {
	key   []byte
	clock clockwork.Clock
}

func newCodeLinks(clock clockwork.Clock) codeLinks {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return codeLinks{key, clock}
}

// make returns the link's path and query: to the code of a function, or of a version of it.
func (l codeLinks) make(f function.Function) string {
	ref := function.Ref{Name: f.Name}
	if f.Version != function.Latest {
		ref.Qualifier = f.Version
	}
	expires := strconv.FormatInt(l.clock.Now().Add(linkLife).Unix(), 10)
	query := url.Values{
		"account": {ref.Account}, "region": {ref.Region}, "expires": {expires}, "signature": {l.sign(ref, expires)},
	}
	if ref.Qualifier != "" {
		query.Set("version", ref.Qualifier)
	}
	return CodePath + url.PathEscape(ref.Name.Name) + "?" + query.Encode()
}

// layerQualifier begins what stands in the place of a function's qualifier in the link to a layer. No qualifier has a slash.
const layerQualifier = "layer/"

// makeLayer returns the path and query of a link to the code of a layer.
func (l codeLinks) makeLayer(ref function.LayerRef) string {
	return l.make(function.Function{
		Name:    function.Name{Account: ref.Account, Region: ref.Region, Name: ref.Name},
		Version: layerQualifier + strconv.Itoa(ref.Version),
	})
}

func (l codeLinks) sign(ref function.Ref, expires string) string {
	mac := hmac.New(sha256.New, l.key)
	for _, part := range []string{ref.Account, ref.Region, ref.Name.Name, ref.Qualifier, expires} {
		_, _ = io.WriteString(mac, part+"\x00")
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// check returns the function whose code a request may fetch.
func (l codeLinks) check(r *http.Request) (function.Ref, bool) {
	query := r.URL.Query()
	ref := function.Ref{
		Name:      function.Name{Account: query.Get("account"), Region: query.Get("region"), Name: r.PathValue("name")},
		Qualifier: query.Get("version"),
	}
	expires := query.Get("expires")
	until, err := strconv.ParseInt(expires, 10, 64)
	good := hmac.Equal([]byte(l.sign(ref, expires)), []byte(query.Get("signature")))
	return ref, good && err == nil && l.clock.Now().Unix() <= until
}

// open returns the archive that a link means: of a function, or of a layer.
func (d *Door) open(ctx context.Context, ref function.Ref) (io.ReadCloser, int64, error) {
	number, ok := strings.CutPrefix(ref.Qualifier, layerQualifier)
	if !ok {
		return d.Functions.OpenCode(ctx, ref)
	}
	version, err := strconv.Atoi(number)
	if err != nil {
		return nil, 0, err
	}
	name := function.LayerName{Account: ref.Account, Region: ref.Region, Name: ref.Name.Name}
	return d.Functions.OpenLayer(ctx, function.LayerRef{LayerName: name, Version: version})
}

// CodeHandler serves the archives that the links of GetFunction and GetLayerVersion lead to. It is to be mounted at CodePath + "{name}".
func (d *Door) CodeHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ref, ok := d.links.check(r)
		if !ok {
			http.Error(w, "the link is not valid, or has expired", http.StatusForbidden)
			return
		}
		code, size, err := d.open(r.Context(), ref)
		if err != nil {
			http.Error(w, "there is no such code", http.StatusNotFound)
			return
		}
		defer code.Close()
		w.Header().Set("Content-Type", "application/zip")
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		_, _ = io.Copy(w, code)
	})
}
