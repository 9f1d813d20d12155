package s3

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
)

type listBucketsResult struct {
	XMLName           xml.Name `xml:"ListAllMyBucketsResult"`
	Namespace         string   `xml:"xmlns,attr"`
	Owner             owner
	Buckets           []listedBucket `xml:"Buckets>Bucket"`
	ContinuationToken *string
	Prefix            *string
}

type owner struct{ ID string }

type listedBucket struct {
	Name         string
	CreationDate string
	BucketRegion string
}

// maxBucketPage is how many buckets a page may show.
const maxBucketPage = 10000

// ownerOf makes the canonical id of an account, which AWS gives no meaning.
func ownerOf(account string) owner {
	sum := sha256.Sum256([]byte(account))
	return owner{hex.EncodeToString(sum[:])}
}

// listBuckets lists the caller's buckets.
func (d *Door) listBuckets(q *request) error {
	params := q.URL.Query()
	most := maxBucketPage
	if given := params.Get("max-buckets"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < 1 || n > maxBucketPage {
			return invalidArgument("Argument max-buckets must be an integer between 1 and 10000", "max-buckets", given)
		}
		most = n
	}
	after, err := readToken(params.Get("continuation-token"))
	if err != nil {
		return err
	}
	out := listBucketsResult{
		Namespace: namespace, Owner: ownerOf(q.call.Account), Buckets: []listedBucket{}, Prefix: protocol.Optional(params.Get("prefix")),
	}
	for _, b := range d.Buckets.List(q.call.Account) {
		region := params.Get("bucket-region")
		if b.Name <= after || !strings.HasPrefix(b.Name, params.Get("prefix")) || region != "" && b.Region != region {
			continue
		}
		if len(out.Buckets) == most {
			out.ContinuationToken = makeToken(out.Buckets[most-1].Name)
			break
		}
		out.Buckets = append(out.Buckets, listedBucket{b.Name, isoTime(b.Created), b.Region})
	}
	q.document(http.StatusOK, out)
	return nil
}

// makeToken is where the next page begins: behind the last that was shown.
func makeToken(last string) *string {
	return new(base64.URLEncoding.EncodeToString([]byte(last)))
}

func readToken(token string) (string, error) {
	last, err := base64.URLEncoding.DecodeString(token)
	if err != nil {
		return "", invalidArgument("The continuation token provided is incorrect", "continuation-token", token)
	}
	return string(last), nil
}
