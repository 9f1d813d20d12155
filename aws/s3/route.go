package s3

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// place is what a host says.
type place struct {
	s3     bool   // it is S3's
	bucket string // and names a bucket
}

// hostBucket reads a host: bucket.s3.amazonaws.com, bucket.s3.us-east-1.example.com or bucket.localhost name a bucket. In
// all others the bucket is in the path.
func hostBucket(host string) place {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if net.ParseIP(host) != nil {
		return place{}
	}
	for _, mark := range []string{".s3.", ".s3-"} {
		if i := strings.LastIndex(host, mark); i > 0 {
			return place{true, host[:i]}
		}
	}
	if strings.HasPrefix(host, "s3.") || strings.HasPrefix(host, "s3-") {
		return place{s3: true}
	}
	if name, ok := strings.CutSuffix(host, ".localhost"); ok {
		return place{bucket: name}
	}
	return place{}
}

// HostBucket is the bucket that a host names, empty for none.
func HostBucket(host string) string { return hostBucket(host).bucket }

// locate finds bucket and key in the host and the path. A key is whatever follows the slash, slashes included.
func locate(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	if bucket = hostBucket(r.Host).bucket; bucket == "" {
		bucket, path, _ = strings.Cut(path, "/")
		if plain, err := url.PathUnescape(bucket); err == nil {
			bucket = plain
		}
	}
	key, err := url.PathUnescape(path)
	if err != nil {
		key = path
	}
	return bucket, key
}

// route is an operation and what carries it out.
type route struct {
	name string
	run  func(*Door, *request) error
}

// rule is one line of a routing table: an operation belongs to the first rule whose method and subresource are there.
type rule struct {
	method      string
	subresource string // a parameter that must be there; empty for none
	route
}

var serviceRules = []rule{
	{"GET", "", route{"ListBuckets", (*Door).listBuckets}},
}

var bucketRules = []rule{
	{"GET", "accelerate", route{"GetBucketAccelerateConfiguration", (*Door).getBucketAccelerateConfiguration}},
	{"GET", "acl", route{"GetBucketAcl", (*Door).getBucketAcl}},
	{"GET", "location", route{"GetBucketLocation", (*Door).getBucketLocation}},
	{"GET", "logging", route{"GetBucketLogging", (*Door).getBucketLogging}},
	{"GET", "requestPayment", route{"GetBucketRequestPayment", (*Door).getBucketRequestPayment}},
	{"GET", "tagging", route{"GetBucketTagging", (*Door).getBucketTagging}},
	{"GET", "versioning", route{"GetBucketVersioning", (*Door).getBucketVersioning}},
	{"GET", "uploads", route{"ListMultipartUploads", (*Door).listMultipartUploads}},
	{"GET", "list-type", route{"ListObjectsV2", (*Door).listObjectsV2}},
	{"GET", "", route{"ListObjects", (*Door).listObjects}},
	{"PUT", "tagging", route{"PutBucketTagging", (*Door).putBucketTagging}},
	{"PUT", "", route{"CreateBucket", (*Door).createBucket}},
	{"HEAD", "", route{"HeadBucket", (*Door).headBucket}},
	{"DELETE", "tagging", route{"DeleteBucketTagging", (*Door).deleteBucketTagging}},
	{"DELETE", "", route{"DeleteBucket", (*Door).deleteBucket}},
	{"POST", "delete", route{"DeleteObjects", (*Door).deleteObjects}},
}

var objectRules = []rule{
	{"GET", "uploadId", route{"ListParts", (*Door).listParts}},
	{"GET", "", route{"GetObject", (*Door).getObject}},
	{"HEAD", "", route{"HeadObject", (*Door).getObject}},
	{"PUT", "uploadId", route{"UploadPart", (*Door).uploadPart}},
	{"PUT", "", route{"PutObject", (*Door).putObject}},
	{"DELETE", "uploadId", route{"AbortMultipartUpload", (*Door).abortMultipartUpload}},
	{"DELETE", "", route{"DeleteObject", (*Door).deleteObject}},
	{"POST", "uploads", route{"CreateMultipartUpload", (*Door).createMultipartUpload}},
	{"POST", "uploadId", route{"CompleteMultipartUpload", (*Door).completeMultipartUpload}},
}

// others are the subresources that S3 knows and this door does not carry out, with the code and the text of an answer
// that says that there is none, where S3 has one.
var others = map[string][2]string{
	"accelerate": {}, "acl": {}, "analytics": {}, "attributes": {}, "intelligent-tiering": {}, "inventory": {},
	"legal-hold": {}, "logging": {}, "metrics": {}, "notification": {}, "partNumber": {}, "policyStatus": {},
	"requestPayment": {}, "restore": {}, "retention": {}, "select": {}, "session": {}, "tagging": {}, "torrent": {}, "versioning": {},
	"versions": {}, "metadataTable": {}, "metadataConfiguration": {}, "abac": {}, "renameObject": {},
	"cors":              {"NoSuchCORSConfiguration", "The CORS configuration does not exist"},
	"encryption":        {"ServerSideEncryptionConfigurationNotFoundError", "The server side encryption configuration was not found"},
	"lifecycle":         {"NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"},
	"object-lock":       {"ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket"},
	"ownershipControls": {"OwnershipControlsNotFoundError", "The bucket ownership controls were not found"},
	"policy":            {"NoSuchBucketPolicy", "The bucket policy does not exist"},
	"publicAccessBlock": {"NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"},
	"replication":       {"ReplicationConfigurationNotFoundError", "The replication configuration was not found"},
	"website":           {"NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"},
}

// find returns the operation of a request.
func find(q *request) (route, error) {
	params := q.URL.Query()
	for name := range params {
		none, known := others[name]
		if !known || name == "partNumber" && params.Has("uploadId") || q.carriesOut(name) {
			continue
		}
		if none[0] != "" && q.key == "" && q.Method == http.MethodGet {
			return route{"", func(d *Door, q *request) error { return d.noConfiguration(none, q) }}, nil
		}
		return route{}, notImplemented("subresource", name)
	}
	rules := objectRules
	switch {
	case q.bucket == "":
		rules = serviceRules
	case q.key == "":
		rules = bucketRules
	}
	for _, r := range rules {
		if r.method == q.Method && (r.subresource == "" || params.Has(r.subresource)) {
			return r.route, nil
		}
	}
	return route{}, &failure{code: "MethodNotAllowed", fields: []field{{"Method", q.Method}}}
}

// carriesOut reports whether a bucket's request for a subresource is carried out, of which others are not.
func (q *request) carriesOut(subresource string) bool {
	return q.key == "" && slices.ContainsFunc(bucketRules, func(r rule) bool { return r.method == q.Method && r.subresource == subresource })
}

// noConfiguration answers that a bucket has no configuration of a kind, if there is the bucket.
func (d *Door) noConfiguration(none [2]string, q *request) error {
	if err := d.mine(q); err != nil {
		return err
	}
	return &failure{code: none[0], text: none[1], status: http.StatusNotFound, fields: []field{{"BucketName", q.bucket}}}
}

// mine reports whether the request's bucket is there, and the caller's.
func (d *Door) mine(q *request) error {
	_, err := d.Buckets.Describe(q.call.Account, q.bucket)
	return err
}
