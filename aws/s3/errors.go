package s3

import (
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/signature"
	"github.com/millrace/millrace/bucket"
)

// failure is an answer other than success.
type failure struct {
	code   string
	text   string // empty takes the usual one
	status int    // 0 takes the usual one
	fields []field
}

// field is a further member of an error's document.
type field struct{ name, value string }

func (f *failure) Error() string { return f.code + ": " + f.text }

// usual are the statuses and texts that belong to codes.
var usual = map[string]struct {
	status int
	text   string
}{
	"AccessDenied":            {403, "Access Denied"},
	"BadDigest":               {400, "The Content-MD5 you specified did not match what we received."},
	"BucketAlreadyExists":     {409, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."},
	"BucketAlreadyOwnedByYou": {409, "Your previous request to create the named bucket succeeded and you already own it."},
	"BucketNotEmpty":          {409, "The bucket you tried to delete is not empty"},
	"EntityTooLarge":          {400, "Your proposed upload exceeds the maximum allowed size"},
	"EntityTooSmall":          {400, "Your proposed upload is smaller than the minimum allowed size"},
	"IncompleteBody":          {400, "You did not provide the number of bytes specified by the Content-Length HTTP header"},
	"InternalError":           {500, "We encountered an internal error. Please try again."},
	"InvalidBucketName":       {400, "The specified bucket is not valid."},
	"InvalidDigest":           {400, "The Content-MD5 you specified was invalid."},
	"InvalidPart":             {400, "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."},
	"InvalidPartOrder":        {400, "The list of parts was not in ascending order. Parts must be ordered by part number."},
	"InvalidRange":            {416, "The requested range is not satisfiable"},
	"KeyTooLongError":         {400, "Your key is too long"},
	"MalformedXML":            {400, "The XML you provided was not well-formed or did not validate against our published schema"},
	"MethodNotAllowed":        {405, "The specified method is not allowed against this resource."},
	"MissingContentLength":    {411, "You must provide the Content-Length HTTP header."},
	"NoSuchBucket":            {404, "The specified bucket does not exist"},
	"NoSuchKey":               {404, "The specified key does not exist."},
	"NoSuchTagSet":            {404, "The TagSet does not exist"},
	"NoSuchUpload":            {404, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."},
	"NotImplemented":          {501, "A header you provided implies functionality that is not implemented"},
	"NotModified":             {304, "Not Modified"},
	"OperationAborted":        {409, "A conflicting conditional operation is currently in progress against this resource. Please try again."},
	"PreconditionFailed":      {412, "At least one of the pre-conditions you specified did not hold"},
	"InvalidAccessKeyId":      {403, "The AWS Access Key Id you provided does not exist in our records."},
	"RequestTimeTooSkewed":    {403, "The difference between the request time and the current time is too large."},
	"SignatureDoesNotMatch":   {403, "The request signature we calculated does not match the signature you provided. Check your key and signing method."},
	"ExpiredToken":            {400, "The provided token has expired."},
	"SlowDown":                {503, "Please reduce your request rate."},
	"TooManyBuckets":          {400, "You have attempted to create more buckets than allowed"},
}

// codes is the table from the room's errors to AWS's codes.
var codes = []struct {
	err  error
	code string
}{
	{bucket.ErrBucketNotFound, "NoSuchBucket"},
	{bucket.ErrForbidden, "AccessDenied"},
	{bucket.ErrBucketName, "InvalidBucketName"},
	{bucket.ErrBucketOwned, "BucketAlreadyOwnedByYou"},
	{bucket.ErrBucketTaken, "BucketAlreadyExists"},
	{bucket.ErrTooManyBuckets, "TooManyBuckets"},
	{bucket.ErrNotEmpty, "BucketNotEmpty"},
	{bucket.ErrConflict, "OperationAborted"},
	{bucket.ErrBusy, "SlowDown"},
	{bucket.ErrNotFound, "NoSuchKey"},
	{bucket.ErrKeyTooLong, "KeyTooLongError"},
	{bucket.ErrTooLarge, "EntityTooLarge"},
	{bucket.ErrPrecondition, "PreconditionFailed"},
	{bucket.ErrUploadNotFound, "NoSuchUpload"},
	{bucket.ErrPart, "InvalidPart"},
	{bucket.ErrPartOrder, "InvalidPartOrder"},
	{bucket.ErrPartTooSmall, "EntityTooSmall"},
}

// translate gives an error AWS's code. What it does not know is an internal error.
func (q *request) translate(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	var fault *signature.Fault
	if errors.As(err, &fault) {
		return q.refusal(fault)
	}
	var told *protocol.Error
	if errors.As(err, &told) {
		return &failure{code: told.Code, status: told.Status, text: told.Message}
	}
	var denied *protocol.Denied
	if errors.As(err, &denied) {
		return &failure{code: "AccessDenied", text: denied.Message}
	}
	for _, c := range codes {
		if !errors.Is(err, c.err) {
			continue
		}
		f := &failure{code: c.code}
		switch c.code {
		case "NoSuchBucket", "BucketNotEmpty", "BucketAlreadyExists", "BucketAlreadyOwnedByYou", "InvalidBucketName":
			f.fields = []field{{"BucketName", q.bucket}}
		case "NoSuchKey":
			f.fields = []field{{"Key", q.key}}
		case "KeyTooLongError":
			f.fields = []field{{"Size", strconv.Itoa(len(q.key))}, {"MaxSizeAllowed", strconv.Itoa(bucket.MaxKeyBytes)}}
		case "PreconditionFailed":
			f.fields = []field{{"Condition", "If-Match"}}
			if q.Header.Get("If-None-Match") != "" {
				f.fields[0].value = "If-None-Match"
			}
		case "NoSuchUpload":
			f.fields = []field{{"UploadId", q.URL.Query().Get("uploadId")}}
		}
		return f
	}
	return &failure{code: "InternalError"}
}

// invalidArgument words a parameter that was refused.
func invalidArgument(text, name, value string) *failure {
	return &failure{code: "InvalidArgument", text: text, status: http.StatusBadRequest, fields: []field{{"ArgumentName", name}, {"ArgumentValue", value}}}
}

func invalidRequest(text string) *failure {
	return &failure{code: "InvalidRequest", text: text, status: http.StatusBadRequest}
}

// notImplemented refuses what S3 knows and this door does not carry out.
func notImplemented(kind, name string) *failure {
	f := &failure{code: "NotImplemented", fields: []field{{"Header", name}}}
	if kind != "header" {
		f.text = "This server does not carry out the " + kind + " " + name + "."
		f.fields = nil
	}
	return f
}

// errorDocument is how an error is written.
type errorDocument struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Fields    []element
	RequestID string `xml:"RequestId"`
	HostID    string `xml:"HostId"`
}

// element is an element with text, of any name.
type element struct {
	XMLName xml.Name
	Text    string `xml:",chardata"`
}

// hostID is the header of the second id, as the dispatcher writes it.
var hostID = "x-amz-id-2"

// fail answers with an error and returns its code. After the answer has begun, it ends the connection.
func (q *request) fail(err error) string {
	f := q.translate(err)
	u := usual[f.code]
	if f.text == "" {
		f.text = u.text
	}
	if f.status == 0 {
		f.status = u.status
	}
	if f.status == 0 {
		f.status = http.StatusBadRequest
	}
	if f.code == "InternalError" {
		q.cause = err
	}
	if q.status != 0 {
		panic(http.ErrAbortHandler) // so that the answer is not taken for whole
	}
	if f.status == http.StatusNotModified {
		q.answer(f.status)
		return f.code
	}
	h := q.w.Header()
	doc := errorDocument{Code: f.code, Message: f.text, RequestID: q.call.RequestID}
	if ids := h[hostID]; len(ids) > 0 {
		doc.HostID = ids[0]
	}
	for _, x := range f.fields {
		doc.Fields = append(doc.Fields, element{xml.Name{Local: x.name}, x.value})
	}
	q.document(f.status, doc)
	return f.code
}
