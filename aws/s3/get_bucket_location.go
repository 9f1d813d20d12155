package s3

import (
	"encoding/xml"
	"net/http"
)

type locationConstraint struct {
	XMLName   xml.Name `xml:"LocationConstraint"`
	Namespace string   `xml:"xmlns,attr"`
	Region    string   `xml:",chardata"`
}

// getBucketLocation tells in which region a bucket is.
func (d *Door) getBucketLocation(q *request) error {
	b, err := d.Buckets.Describe(q.call.Account, q.bucket)
	if err != nil {
		return err
	}
	out := locationConstraint{Namespace: namespace, Region: b.Region}
	if b.Region == home {
		out.Region = ""
	}
	q.document(http.StatusOK, out)
	return nil
}
