package identity

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// managed are the policies of AWS's own that are shipped, of each its default version.
//
//go:embed managed.json
var managed []byte

// aws returns AWS's policies by their ARNs.
var aws = sync.OnceValue(func() map[string]*Policy {
	var all []struct {
		Name, Path, ID   string
		Version          int
		Created, Updated time.Time
		Document         json.RawMessage
	}
	if err := json.Unmarshal(managed, &all); err != nil {
		panic(err) // a test reads it
	}
	byARN := map[string]*Policy{}
	for _, one := range all {
		var text bytes.Buffer
		if err := json.Indent(&text, one.Document, "", "    "); err != nil {
			panic(err)
		}
		if one.Updated.IsZero() {
			one.Updated = one.Created
		}
		if one.ID == "" {
			sum := sha256.Sum256([]byte(one.Name))
			one.ID = "ANPA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
		}
		p := &Policy{
			Account: "aws", Name: one.Name, Path: one.Path, ID: one.ID, Created: one.Created, Updated: one.Updated,
			Default: one.Version, Last: one.Version, Versions: []Version{{Number: one.Version, Text: text.String(), Created: one.Updated}},
		}
		if err := p.read(); err != nil {
			panic(fmt.Sprint(one.Name, ": ", err))
		}
		byARN[p.ARN()] = p
	}
	return byARN
})
