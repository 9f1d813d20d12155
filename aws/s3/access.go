package s3

import "github.com/millrace/millrace/aws/protocol"

// actions are what operations need, where it is not the action of their own name.
var actions = map[string]string{
	"ListBuckets":             "ListAllMyBuckets",
	"ListObjects":             "ListBucket",
	"ListObjectsV2":           "ListBucket",
	"HeadBucket":              "ListBucket",
	"ListMultipartUploads":    "ListBucketMultipartUploads",
	"HeadObject":              "GetObject",
	"UploadPart":              "PutObject",
	"CreateMultipartUpload":   "PutObject",
	"CompleteMultipartUpload": "PutObject",
	"ListParts":               "ListMultipartUploadParts",
}

// allowed reports whether the caller may do what its operation does to the place that the request names. DeleteObjects
// asks for each object by itself, and a copy for its source.
func (q *request) allowed(operation string) error {
	action := operation
	if other := actions[operation]; other != "" {
		action = other
	}
	switch operation {
	case "DeleteObjects":
		return nil
	case "": // of a configuration that no bucket has here
		action = "GetBucketConfiguration"
	}
	return q.may(action, q.bucket, q.key)
}

// may reports whether the caller may do one thing to a bucket, an object in it, or, without either, at all.
func (q *request) may(action, bucket, key string) error {
	resource := "*"
	if bucket != "" {
		resource = "arn:aws:s3:::" + bucket
	}
	if key != "" {
		resource += "/" + key
	}
	keys := map[string][]string{}
	for name, param := range map[string]string{"s3:prefix": "prefix", "s3:delimiter": "delimiter"} {
		if value, ok := q.URL.Query()[param]; ok && action == "ListBucket" {
			keys[name] = value
		}
	}
	return q.call.Authorize(q.Context(), protocol.Access{Action: "s3:" + action, Resource: resource, Keys: keys})
}
