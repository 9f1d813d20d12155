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

	"GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
	"DeleteBucketTagging":              "PutBucketTagging",
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
		action = q.configuration()
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
	for name, param := range map[string]string{"s3:prefix": "prefix", "s3:delimiter": "delimiter", "s3:max-keys": "max-keys"} {
		if params := q.URL.Query(); params.Has(param) && action == "ListBucket" {
			keys[name] = []string{params.Get(param)} // the one that is carried out, should there be several
		}
	}
	return q.call.Authorize(q.Context(), protocol.Access{Action: "s3:" + action, Resource: resource, Keys: keys})
}

// configurations are the actions that show the configurations of buckets, by the parameter that names them, where these are not
// called alike.
var configurations = map[string]string{
	"encryption": "GetEncryptionConfiguration", "lifecycle": "GetLifecycleConfiguration", "object-lock": "GetBucketObjectLockConfiguration",
	"ownershipControls": "GetBucketOwnershipControls", "publicAccessBlock": "GetBucketPublicAccessBlock", "replication": "GetReplicationConfiguration",
	"cors": "GetBucketCORS", "policy": "GetBucketPolicy", "website": "GetBucketWebsite",
}

// configuration is the action of a request for a configuration.
func (q *request) configuration() string {
	params := q.URL.Query()
	for name, action := range configurations {
		if params.Has(name) {
			return action
		}
	}
	return "GetBucketConfiguration"
}
