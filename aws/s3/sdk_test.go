package s3_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/wiretest"
)

// connect serves a house and returns AWS's own client for it, which verifies checksums of what it reads.
func connect(t *testing.T, change func(o *client.Options, address string)) *client.Client {
	t.Helper()
	server := httptest.NewServer(newHouse(t, clockwork.NewRealClock()))
	t.Cleanup(server.Close)
	o := client.Options{
		BaseEndpoint: aws.String(server.URL), Region: "us-east-1", UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	}
	change(&o, server.Listener.Addr().String())
	return client.New(o)
}

func mustBucket(t *testing.T, c *client.Client) *string {
	t.Helper()
	name := aws.String("sdk-bucket")
	if _, err := c.CreateBucket(t.Context(), &client.CreateBucketInput{Bucket: name}); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestSDK(t *testing.T) {
	c, ctx := connect(t, func(*client.Options, string) {}), t.Context()
	bucket := mustBucket(t, c)
	body := make([]byte, 5<<20)
	_, _ = rand.Read(body)
	for _, algorithm := range []types.ChecksumAlgorithm{
		"", types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256, types.ChecksumAlgorithmCrc64nvme,
	} {
		if _, err := c.PutObject(ctx, &client.PutObjectInput{
			Bucket: bucket, Key: aws.String("a/b c+ü"), Body: bytes.NewReader(body), Metadata: map[string]string{"colour": "red"},
			ContentType: aws.String("text/plain"), ChecksumAlgorithm: algorithm,
		}); err != nil {
			t.Fatal(algorithm, err)
		}
		got, err := c.GetObject(ctx, &client.GetObjectInput{Bucket: bucket, Key: aws.String("a/b c+ü"), ChecksumMode: types.ChecksumModeEnabled})
		if err != nil {
			t.Fatal(algorithm, err)
		}
		read, err := io.ReadAll(got.Body) // the client verifies the checksum
		if err != nil || !bytes.Equal(read, body) || got.Metadata["colour"] != "red" || aws.ToString(got.ContentType) != "text/plain" {
			t.Errorf("%s: %d bytes, %v, %v", algorithm, len(read), got.Metadata, err)
		}
	}
	head, err := c.HeadObject(ctx, &client.HeadObjectInput{Bucket: bucket, Key: aws.String("a/b c+ü")})
	if err != nil || aws.ToInt64(head.ContentLength) != int64(len(body)) {
		t.Error(head, err)
	}
	if _, err := c.CopyObject(ctx, &client.CopyObjectInput{Bucket: bucket, Key: aws.String("copy"), CopySource: aws.String("sdk-bucket/a/b%20c%2B%C3%BC")}); err != nil {
		t.Error(err)
	}
	pages := client.NewListObjectsV2Paginator(c, &client.ListObjectsV2Input{Bucket: bucket, MaxKeys: aws.Int32(1)})
	var keys []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
	}
	if strings.Join(keys, " ") != "a/b c+ü copy" {
		t.Error(keys)
	}
	sdkErrors(t, c, bucket)
	sdkSettings(t, c, bucket)
	deleted, err := c.DeleteObjects(ctx, &client.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("a/b c+ü")}, {Key: aws.String("copy")},
	}}})
	if err != nil || len(deleted.Deleted) != 2 || len(deleted.Errors) != 0 {
		t.Error(deleted, err)
	}
	if _, err := c.DeleteBucket(ctx, &client.DeleteBucketInput{Bucket: bucket}); err != nil {
		t.Error(err)
	}
}

func sdkErrors(t *testing.T, c *client.Client, bucket *string) {
	t.Helper()
	ctx := t.Context()
	var noKey *types.NoSuchKey
	if _, err := c.GetObject(ctx, &client.GetObjectInput{Bucket: bucket, Key: aws.String("none")}); !errors.As(err, &noKey) {
		t.Error(err)
	}
	var notFound *types.NotFound
	if _, err := c.HeadObject(ctx, &client.HeadObjectInput{Bucket: bucket, Key: aws.String("none")}); !errors.As(err, &notFound) {
		t.Error(err)
	}
	var noBucket *types.NoSuchBucket
	if _, err := c.ListObjectsV2(ctx, &client.ListObjectsV2Input{Bucket: aws.String("no-bucket")}); !errors.As(err, &noBucket) {
		t.Error(err)
	}
	for code, err := range map[string]error{
		"BucketNotEmpty": second(c.DeleteBucket(ctx, &client.DeleteBucketInput{Bucket: bucket})),
		"InvalidRange":   second(c.GetObject(ctx, &client.GetObjectInput{Bucket: bucket, Key: aws.String("copy"), Range: aws.String("bytes=99999999-")})),
		"PreconditionFailed": second(c.PutObject(ctx, &client.PutObjectInput{
			Bucket: bucket, Key: aws.String("copy"), Body: strings.NewReader("x"), IfNoneMatch: aws.String("*"),
		})),
	} {
		var answer smithy.APIError
		if !errors.As(err, &answer) || answer.ErrorCode() != code {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// The bucket in the host, as SDKs send it unless told otherwise.
func TestVirtualHosts(t *testing.T) {
	for _, host := range []string{"s3.localhost", "localhost", "s3.us-east-1.amazonaws.com"} {
		c := connect(t, func(o *client.Options, address string) {
			o.UsePathStyle = false
			o.BaseEndpoint = aws.String("http://" + host)
			o.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, address)
			}}}
		})
		bucket := mustBucket(t, c)
		if _, err := c.PutObject(t.Context(), &client.PutObjectInput{Bucket: bucket, Key: aws.String("a/b"), Body: strings.NewReader("x")}); err != nil {
			t.Fatal(host, err)
		}
		got, err := c.GetObject(t.Context(), &client.GetObjectInput{Bucket: bucket, Key: aws.String("a/b")})
		if err != nil {
			t.Fatal(host, err)
		}
		if text, err := io.ReadAll(got.Body); err != nil || string(text) != "x" {
			t.Errorf("%s: %q %v", host, text, err)
		}
	}
}

// A presigned URL is all that a reader needs.
func TestPresigned(t *testing.T) {
	c, ctx := connect(t, func(*client.Options, string) {}), t.Context()
	bucket := mustBucket(t, c)
	signer := client.NewPresignClient(c)
	put, err := signer.PresignPutObject(ctx, &client.PutObjectInput{
		Bucket: bucket, Key: aws.String("k"), Metadata: map[string]string{"colour": "red"},
	}, client.WithPresignExpires(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(ctx, put.Method, put.URL, strings.NewReader("presigned"))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(request.Header, put.SignedHeader)
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer, err)
	}
	answer.Body.Close()
	head, err := c.HeadObject(ctx, &client.HeadObjectInput{Bucket: bucket, Key: aws.String("k")})
	if err != nil || head.Metadata["colour"] != "red" {
		t.Errorf("the metadata of the URL %s: %v %v", put.URL, head, err)
	}
	get, err := signer.PresignGetObject(ctx, &client.GetObjectInput{Bucket: bucket, Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	if request, err = http.NewRequestWithContext(ctx, get.Method, get.URL, http.NoBody); err != nil {
		t.Fatal(err)
	}
	if answer, err = http.DefaultClient.Do(request); err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || string(text) != "presigned" {
		t.Errorf("%q %v", text, err)
	}
}

func TestUploadInParts(t *testing.T) {
	c, ctx := connect(t, func(*client.Options, string) {}), t.Context()
	bucket, key := mustBucket(t, c), aws.String("large")
	begun, err := c.CreateMultipartUpload(ctx, &client.CreateMultipartUploadInput{Bucket: bucket, Key: key, ChecksumAlgorithm: types.ChecksumAlgorithmSha256})
	if err != nil {
		t.Fatal(err)
	}
	body := make([]byte, 6<<20)
	_, _ = rand.Read(body)
	var parts []types.CompletedPart
	for i, piece := range [][]byte{body[:5<<20], body[5<<20:]} {
		number := aws.Int32(int32(i + 1))
		part, err := c.UploadPart(ctx, &client.UploadPartInput{
			Bucket: bucket, Key: key, UploadId: begun.UploadId, PartNumber: number, Body: bytes.NewReader(piece), ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
		})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{PartNumber: number, ETag: part.ETag, ChecksumSHA256: part.ChecksumSHA256})
	}
	whole, err := c.CompleteMultipartUpload(ctx, &client.CompleteMultipartUploadInput{
		Bucket: bucket, Key: key, UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil || !strings.HasSuffix(aws.ToString(whole.ETag), `-2"`) {
		t.Fatal(whole, err)
	}
	got, err := c.GetObject(ctx, &client.GetObjectInput{Bucket: bucket, Key: key, Range: aws.String("bytes=5242870-5242889")})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(got.Body); err != nil || !bytes.Equal(text, body[5242870:5242890]) {
		t.Error(len(text), err)
	}
}

// FuzzChunked feeds bodies that claim to be aws-chunked: they are written or refused, and nothing else happens.
func FuzzChunked(f *testing.F) {
	for _, seed := range []string{"5\r\nhello\r\n0\r\n\r\n", "0\r\n", "", "ffffffffffffffff\r\n", "5;x=y\r\nhello\r\n0\r\na:b\r\n\r\n", "-1\r\n", "5\r\nhelloX"} {
		f.Add(seed)
	}
	h := newHouse(f, clockwork.NewRealClock())
	send := func(path, body string) int {
		r := httptest.NewRequest(http.MethodPut, path, strings.NewReader(body))
		scope.Sign(r)
		if body != "" {
			r.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
			r.Header.Set("X-Amz-Decoded-Content-Length", "5")
		}
		return wiretest.Serve(h, r).Code
	}
	send("/fuzz-bucket", "")
	f.Fuzz(func(t *testing.T, body string) {
		if status := send("/fuzz-bucket/key", body); status != 200 && status != 400 {
			t.Errorf("answered %d", status)
		}
	})
}

// TestPagesOfUploads lists uploads in pages, two of which end among the uploads to one key.
func TestPagesOfUploads(t *testing.T) {
	c, ctx := connect(t, func(*client.Options, string) {}), t.Context()
	bucket := mustBucket(t, c)
	want := map[string]int{"a": 1, "b/1": 3, "b/2": 1, "ü": 2}
	for key, n := range want {
		for range n {
			if _, err := c.CreateMultipartUpload(ctx, &client.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String(key)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, q := range []struct{ prefix, keys string }{{"", "a b/1 b/1 b/1 b/2 ü ü"}, {"b/", "b/1 b/1 b/1 b/2"}, {"x", ""}} {
		var keys []string
		seen := map[string]bool{}
		pages := client.NewListMultipartUploadsPaginator(c, &client.ListMultipartUploadsInput{Bucket: bucket, Prefix: aws.String(q.prefix), MaxUploads: aws.Int32(2)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Uploads) > 2 || *page.MaxUploads != 2 {
				t.Errorf("a page of %d", len(page.Uploads))
			}
			for _, u := range page.Uploads {
				keys, seen[*u.UploadId] = append(keys, *u.Key), true
			}
		}
		if got := strings.Join(keys, " "); got != q.keys || len(seen) != len(keys) {
			t.Errorf("below %q there are %s, %d of them different, and should be %s", q.prefix, got, len(seen), q.keys)
		}
	}
	encoded, err := c.ListMultipartUploads(ctx, &client.ListMultipartUploadsInput{Bucket: bucket, EncodingType: types.EncodingTypeUrl, KeyMarker: aws.String("b/2")})
	if err != nil || len(encoded.Uploads) != 2 || *encoded.Uploads[0].Key != "%C3%BC" {
		t.Errorf("%+v %v", encoded, err)
	}
	if _, err := c.ListMultipartUploads(ctx, &client.ListMultipartUploadsInput{Bucket: bucket, MaxUploads: aws.Int32(-1)}); err == nil {
		t.Error("a page of less than nothing")
	}
}

// sdkSettings reads of a bucket what Terraform's provider reads of each that it keeps, and tags it.
func sdkSettings(t *testing.T, c *client.Client, bucket *string) {
	t.Helper()
	ctx := t.Context()
	list, err := c.GetBucketAcl(ctx, &client.GetBucketAclInput{Bucket: bucket})
	if err != nil || len(list.Grants) != 1 || list.Grants[0].Permission != types.PermissionFullControl || *list.Grants[0].Grantee.ID != *list.Owner.ID || list.Grants[0].Grantee.Type != types.TypeCanonicalUser {
		t.Errorf("%+v %v", list, err)
	}
	if versioning, err := c.GetBucketVersioning(ctx, &client.GetBucketVersioningInput{Bucket: bucket}); err != nil || versioning.Status != "" {
		t.Errorf("%+v %v", versioning, err)
	}
	if logging, err := c.GetBucketLogging(ctx, &client.GetBucketLoggingInput{Bucket: bucket}); err != nil || logging.LoggingEnabled != nil {
		t.Errorf("%+v %v", logging, err)
	}
	if fast, err := c.GetBucketAccelerateConfiguration(ctx, &client.GetBucketAccelerateConfigurationInput{Bucket: bucket}); err != nil || fast.Status != "" {
		t.Errorf("%+v %v", fast, err)
	}
	if payer, err := c.GetBucketRequestPayment(ctx, &client.GetBucketRequestPaymentInput{Bucket: bucket}); err != nil || payer.Payer != types.PayerBucketOwner {
		t.Errorf("%+v %v", payer, err)
	}
	if _, err := c.PutBucketTagging(ctx, &client.PutBucketTaggingInput{Bucket: bucket, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("env"), Value: aws.String("test")}}}}); err != nil {
		t.Error(err)
	}
	tags, err := c.GetBucketTagging(ctx, &client.GetBucketTaggingInput{Bucket: bucket})
	if err != nil || len(tags.TagSet) != 1 || *tags.TagSet[0].Key != "env" || *tags.TagSet[0].Value != "test" {
		t.Errorf("%+v %v", tags, err)
	}
	if _, err := c.DeleteBucketTagging(ctx, &client.DeleteBucketTaggingInput{Bucket: bucket}); err != nil {
		t.Error(err)
	}
	var api smithy.APIError
	if _, err := c.GetBucketTagging(ctx, &client.GetBucketTaggingInput{Bucket: bucket}); !errors.As(err, &api) || api.ErrorCode() != "NoSuchTagSet" {
		t.Error(err)
	}
}
