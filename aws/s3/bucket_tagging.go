package s3

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxBucketTags is how many tags a bucket may have.
const maxBucketTags = 50

type tagging struct {
	XMLName   xml.Name `xml:"Tagging"`
	Namespace string   `xml:"xmlns,attr"`
	Tags      []tag    `xml:"TagSet>Tag"`
}

type tag struct{ Key, Value string }

// getBucketTagging lists the tags of a bucket in the order of their keys.
func (d *Door) getBucketTagging(q *request) error {
	tags, err := d.Buckets.Tags(q.Context(), q.call.Account, q.bucket)
	if err != nil {
		return err
	}
	if len(tags) == 0 {
		return &failure{code: "NoSuchTagSet", fields: []field{{"BucketName", q.bucket}}}
	}
	out := tagging{Namespace: namespace}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, tag{key, tags[key]})
	}
	q.document(http.StatusOK, out)
	return nil
}

// putBucketTagging replaces the tags of a bucket.
func (d *Door) putBucketTagging(q *request) error {
	if err := d.mine(q); err != nil {
		return err
	}
	if err := q.checksummed(); err != nil {
		return err
	}
	var in tagging
	if there, err := q.readDocument(&in); err != nil {
		return err
	} else if !there {
		return &failure{code: "MalformedXML"}
	}
	tags, err := readTags(in.Tags)
	if err != nil {
		return err
	}
	return d.setTags(q, tags)
}

// deleteBucketTagging removes the tags of a bucket, of which it need not have any.
func (d *Door) deleteBucketTagging(q *request) error { return d.setTags(q, nil) }

func (d *Door) setTags(q *request, tags map[string]string) error {
	if err := d.Buckets.SetTags(q.Context(), q.call.Account, q.bucket, tags); err != nil {
		return err
	}
	q.answer(http.StatusNoContent)
	return nil
}

// readTags judges the tags that a bucket is to have.
func readTags(list []tag) (map[string]string, error) {
	if len(list) > maxBucketTags {
		return nil, &failure{code: "BadRequest", text: "Bucket tag count cannot be greater than 50"}
	}
	tags := map[string]string{}
	for _, t := range list {
		_, twice := tags[t.Key]
		switch {
		case twice:
			return nil, invalidTag("Cannot provide multiple Tags with the same key", t.Key)
		case strings.HasPrefix(t.Key, "aws:"):
			return nil, invalidTag("System tags cannot be added/updated by requester", t.Key)
		case t.Key == "" || !tagText(t.Key, 128):
			return nil, invalidTag("The TagKey you have provided is invalid", t.Key)
		case !tagText(t.Value, 256):
			f := invalidTag("The TagValue you have provided is invalid", t.Key)
			f.fields = append(f.fields, field{"TagValue", t.Value})
			return nil, f
		}
		tags[t.Key] = t.Value
	}
	return tags, nil
}

// invalidTag words a tag that was refused.
func invalidTag(text, key string) *failure {
	return &failure{code: "InvalidTag", text: text, fields: []field{{"TagKey", key}}}
}

// tagText reports whether a key or a value of a tag has only such characters as it may have, and not too many.
func tagText(text string, most int) bool {
	return utf8.RuneCountInString(text) <= most && strings.IndexFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsSpace(r) && !strings.ContainsRune("_.:/=+-@", r)
	}) < 0
}
