package s3

import (
	"encoding/xml"
	"net/http"
)

// maxDeletes is how many objects one request may delete.
const maxDeletes = 1000

type deleteRequest struct {
	Quiet   bool
	Objects []struct {
		Key       string
		VersionID string `xml:"VersionId"`
		ETag      *string
	} `xml:"Object"`
}

type deleteResult struct {
	XMLName   xml.Name  `xml:"DeleteResult"`
	Namespace string    `xml:"xmlns,attr"`
	Deleted   []deleted `xml:"Deleted"`
	Errors    []notDeleted
}

type deleted struct{ Key string }

type notDeleted struct {
	XMLName xml.Name `xml:"Error"`
	Key     string
	Code    string
	Message string
}

// deleteObjects removes up to a thousand objects, each by itself.
func (d *Door) deleteObjects(q *request) error {
	if err := d.mine(q); err != nil {
		return err
	}
	if err := q.checksummed(); err != nil {
		return err
	}
	var in deleteRequest
	if there, err := q.readDocument(&in); err != nil {
		return err
	} else if !there || len(in.Objects) == 0 || len(in.Objects) > maxDeletes {
		return &failure{code: "MalformedXML"}
	}
	out := deleteResult{Namespace: namespace}
	for _, o := range in.Objects {
		var err error
		switch {
		case o.VersionID != "" && o.VersionID != "null":
			err = &failure{code: "NoSuchVersion", text: "The specified version does not exist."}
		case o.ETag != nil:
			err = notImplemented("member", "ETag")
		default:
			if err = q.may("DeleteObject", q.bucket, o.Key); err != nil {
				break
			}
			err = d.Buckets.Remove(q.Context(), q.call.Account, q.bucket, o.Key)
		}
		if err != nil {
			f := q.translate(err)
			if f.text == "" {
				f.text = usual[f.code].text
			}
			if f.code == "InternalError" {
				q.cause = err
			}
			out.Errors = append(out.Errors, notDeleted{Key: o.Key, Code: f.code, Message: f.text})
		} else if !in.Quiet {
			out.Deleted = append(out.Deleted, deleted{o.Key})
		}
	}
	q.document(http.StatusOK, out)
	return nil
}

// checksummed refuses a document without a checksum, where S3 insists on one.
func (q *request) checksummed() error {
	algorithm, _, _, err := givenChecksum(q.Header)
	if err == nil && algorithm == "" && q.Header.Get("Content-Md5") == "" {
		return invalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	return err
}
