package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/millrace/millrace/internal/sdkhttp"
	"github.com/millrace/millrace/server"
)

// root is the access key of the account in these tests.
var root = aws.Credentials{AccessKeyID: "AKIAROOTROOTROOTROOT", SecretAccessKey: "a secret that only the root knows"}

// judging starts a server that judges its callers.
func judging(t *testing.T, mode string) string {
	t.Helper()
	return startWith(t, func(c *config) {
		c.Auth, c.Accounts = mode, []string{"222222222222"}
		c.RootAccessKeyID, c.RootSecretAccessKey = root.AccessKeyID, root.SecretAccessKey
	})
}

// as are AWS's clients for one who signs.
func as(url string, who aws.Credentials) (clients, *sts.Client) {
	c := aws.Config{
		BaseEndpoint: aws.String(url), Region: "us-east-1", HTTPClient: sdkhttp.NewClient(), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(who.AccessKeyID, who.SecretAccessKey, who.SessionToken),
	}
	return clients{
		kinesis: kinesis.NewFromConfig(c), lambda: lambda.NewFromConfig(c), sqs: sqs.NewFromConfig(c), sns: sns.NewFromConfig(c),
		s3: s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true }),
	}, sts.NewFromConfig(c)
}

// signed makes a request and signs it, for a moment from now.
func signed(t *testing.T, who aws.Credentials, method, address, service, body string, header http.Header) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if err := signer.SignHTTP(context.Background(), who, r, hashOf(body), service, "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	return r
}

func do(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode, readAll(t, answer)
}

var signer = v4.NewSigner()

func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

var formType = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}

// ask makes a request of IAM and returns the status and the document.
func ask(t *testing.T, address string, who aws.Credentials, action string, pairs ...string) (int, string) {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return do(t, signed(t, who, http.MethodPost, address+"/", "iam", form.Encode(), formType))
}

// must does the same for what has to succeed.
func must(t *testing.T, address string, who aws.Credentials, action string, pairs ...string) string {
	t.Helper()
	status, text := ask(t, address, who, action, pairs...)
	if status != 200 {
		t.Fatalf("%s %v: %d %s", action, pairs, status, text)
	}
	return text
}

// newUser makes a user with an access key.
func newUser(t *testing.T, address, name string) aws.Credentials {
	t.Helper()
	must(t, address, root, "CreateUser", "UserName", name)
	var made struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	if err := xml.Unmarshal([]byte(must(t, address, root, "CreateAccessKey", "UserName", name)), &made); err != nil {
		t.Fatal(err)
	}
	return aws.Credentials{AccessKeyID: made.ID, SecretAccessKey: made.Secret}
}

// refused checks how AWS's client reports an error: its code, and a part of its text.
func refused(t *testing.T, what string, err error, code, text string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text) {
		t.Errorf("%s: %v, want %s %s", what, err, code, text)
	}
}

// awaitStream waits until a stream can be used.
func (c clients) awaitStream(t *testing.T, name string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		got, err := c.kinesis.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: aws.String(name)})
		if err == nil && got.StreamDescriptionSummary.StreamStatus == "ACTIVE" {
			return
		}
	}
	t.Fatalf("stream %s does not become active", name)
}

func services(c clients, who *sts.Client) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"kinesis": func(ctx context.Context) error { _, err := c.kinesis.ListStreams(ctx, nil); return err },
		"lambda":  func(ctx context.Context) error { _, err := c.lambda.ListFunctions(ctx, nil); return err },
		"sqs":     func(ctx context.Context) error { _, err := c.sqs.ListQueues(ctx, nil); return err },
		"sns":     func(ctx context.Context) error { _, err := c.sns.ListTopics(ctx, nil); return err },
		"s3":      func(ctx context.Context) error { _, err := c.s3.ListBuckets(ctx, nil); return err },
		"sts":     func(ctx context.Context) error { _, err := who.GetCallerIdentity(ctx, nil); return err },
	}
}

// AWS's clients are believed with the right key, and told why not with another: each in its protocol.
func TestSignedClients(t *testing.T) {
	address := judging(t, server.AuthSigned)
	for name, f := range services(as(address, root)) {
		if err := f(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	const mismatch, unknown = "The request signature we calculated does not match", "The security token included in the request is invalid"
	for _, c := range []struct {
		who    aws.Credentials
		code   map[string]string
		normal string
		text   string
	}{
		{aws.Credentials{AccessKeyID: root.AccessKeyID, SecretAccessKey: "wrong"}, map[string]string{
			"sns": "SignatureDoesNotMatch", "sts": "SignatureDoesNotMatch", "s3": "SignatureDoesNotMatch",
		}, "InvalidSignatureException", mismatch},
		{aws.Credentials{AccessKeyID: "AKIAUNKNOWN", SecretAccessKey: "x"}, map[string]string{
			"sns": "InvalidClientTokenId", "sts": "InvalidClientTokenId", "s3": "InvalidAccessKeyId",
		}, "UnrecognizedClientException", unknown},
		{aws.Credentials{AccessKeyID: root.AccessKeyID, SecretAccessKey: root.SecretAccessKey, SessionToken: "made up"}, map[string]string{
			"sns": "InvalidClientTokenId", "sts": "InvalidClientTokenId", "s3": "InvalidAccessKeyId",
		}, "UnrecognizedClientException", unknown},
	} {
		for name, f := range services(as(address, c.who)) {
			code, text := c.normal, c.text
			if c.code[name] != "" {
				code = c.code[name]
			}
			if code == "InvalidAccessKeyId" {
				text = "The AWS Access Key Id you provided does not exist in our records."
			}
			refused(t, name, f(t.Context()), code, text)
		}
	}
	c, _ := as(address, root)
	c.prepare(t)
	body := bytes.NewReader(bytes.Repeat([]byte("x"), 300_000))
	if _, err := c.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("failures"), Key: aws.String("a b/ä+c"), Body: body}); err != nil {
		t.Error(err)
	}
	link, err := s3.NewPresignClient(c.s3).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("failures"), Key: aws.String("a b/ä+c")})
	if err != nil {
		t.Fatal(err)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, link.URL, nil)
	if status, text := do(t, r); status != 200 || len(text) != 300_000 {
		t.Errorf("presigned: %d %.300s", status, text)
	}
	r, _ = http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(link.URL, "a%20b", "a%20c", 1), nil)
	if status, _ := do(t, r); status != 403 {
		t.Errorf("presigned for another object: %d", status)
	}
}

// Users do what their policies allow, and what a role allows when they have assumed it.
func TestIAM(t *testing.T) {
	address := judging(t, server.AuthIAM)
	ann := newUser(t, address, "ann")
	c, who := as(address, ann)
	boss, _ := as(address, root)
	me, err := who.GetCallerIdentity(t.Context(), nil)
	if err != nil || aws.ToString(me.Arn) != "arn:aws:iam::000000000000:user/ann" {
		t.Fatal(me, err)
	}
	for name, text := range map[string]string{
		"kinesis": "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: kinesis:ListStreams because no identity-based policy allows the kinesis:ListStreams action",
		"lambda":  "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: lambda:ListFunctions because no identity-based policy allows the lambda:ListFunctions action",
		"sqs":     "is not authorized to perform: sqs:ListQueues on resource: arn:aws:sqs:us-east-1:000000000000:* because no identity-based policy allows",
		"sns":     "is not authorized to perform: sns:ListTopics because no identity-based policy allows",
		"s3":      "is not authorized to perform: s3:ListAllMyBuckets because no identity-based policy allows",
	} {
		code := map[string]string{"sns": "AuthorizationError", "s3": "AccessDenied"}[name]
		if code == "" {
			code = "AccessDeniedException"
		}
		refused(t, name, services(c, who)[name](t.Context()), code, text)
	}
	must(t, address, root, "PutUserPolicy", "UserName", "ann", "PolicyName", "streams", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["kinesis:*Stream","kinesis:Put*"],"Resource":"arn:aws:kinesis:*:*:stream/${aws:username}-*"}}`)
	for name, want := range map[string]string{"ann-orders": "", "bob-orders": "AccessDeniedException"} {
		_, err := c.kinesis.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(name), ShardCount: aws.Int32(1)})
		if want == "" && err != nil {
			t.Error(name, err)
		} else if want != "" {
			refused(t, name, err, want, "kinesis:CreateStream on resource: arn:aws:kinesis:us-east-1:000000000000:stream/"+name)
		}
	}
	boss.awaitStream(t, "ann-orders")
	iterator, err := boss.kinesis.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{
		StreamName: aws.String("ann-orders"), ShardId: aws.String("shardId-000000000000"), ShardIteratorType: "TRIM_HORIZON",
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.kinesis.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: iterator.ShardIterator})
	refused(t, "an iterator of somebody else", err, "AccessDeniedException", "kinesis:GetRecords on resource: arn:aws:kinesis:us-east-1:000000000000:stream/ann-orders")
	must(t, address, root, "AttachUserPolicy", "UserName", "ann", "PolicyArn", "arn:aws:iam::aws:policy/AmazonKinesisReadOnlyAccess")
	if _, err = c.kinesis.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: iterator.ShardIterator}); err != nil {
		t.Error(err)
	}
	must(t, address, root, "PutUserPolicy", "UserName", "ann", "PolicyName", "tags", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"kinesis:CreateStream","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"b"}}}}`)
	for team, want := range map[string]string{"a": "", "b": "AccessDeniedException"} {
		_, err := c.kinesis.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("ann-" + team), ShardCount: aws.Int32(1), Tags: map[string]string{"team": team}})
		if want == "" && err != nil {
			t.Error(team, err)
		} else if want != "" {
			refused(t, team, err, want, "with an explicit deny in an identity-based policy")
		}
	}
	testRoles(t, address, c, who)
}

// testRoles goes on with roles: who may assume them, and what is denied to their sessions.
func testRoles(t *testing.T, address string, c clients, who *sts.Client) {
	const arn = "arn:aws:iam::000000000000:role/reader"
	assume := &sts.AssumeRoleInput{RoleArn: aws.String(arn), RoleSessionName: aws.String("job")}
	const denied = "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: sts:AssumeRole on resource: " + arn
	_, err := who.AssumeRole(t.Context(), assume)
	refused(t, "a role that is not there", err, "AccessDenied", denied)
	must(t, address, root, "CreateRole", "RoleName", "reader", "AssumeRolePolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`)
	_, err = who.AssumeRole(t.Context(), assume)
	refused(t, "a role that trusts others", err, "AccessDenied", denied)
	must(t, address, root, "UpdateAssumeRolePolicy", "RoleName", "reader", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:user/ann","Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	got, err := who.AssumeRole(t.Context(), assume)
	if err != nil {
		t.Fatal(err)
	}
	if *got.AssumedRoleUser.Arn != "arn:aws:sts::000000000000:assumed-role/reader/job" || !strings.HasPrefix(*got.Credentials.AccessKeyId, "ASIA") {
		t.Errorf("%+v %+v", *got.AssumedRoleUser, *got.Credentials)
	}
	session := aws.Credentials{AccessKeyID: *got.Credentials.AccessKeyId, SecretAccessKey: *got.Credentials.SecretAccessKey, SessionToken: *got.Credentials.SessionToken}
	asRole, _ := as(address, session)
	_, err = asRole.kinesis.ListStreams(t.Context(), nil)
	refused(t, "a role without policies", err, "AccessDeniedException", "User: arn:aws:sts::000000000000:assumed-role/reader/job is not authorized")
	must(t, address, root, "AttachRolePolicy", "RoleName", "reader", "PolicyArn", "arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole")
	if _, err := asRole.kinesis.ListStreams(t.Context(), nil); err != nil {
		t.Error(err)
	}
	session.SessionToken = session.SessionToken[:len(session.SessionToken)-8] + "AAAAAAA="
	forged, _ := as(address, session)
	_, err = forged.kinesis.ListStreams(t.Context(), nil)
	refused(t, "a forged token", err, "UnrecognizedClientException", "")
	if status, text := ask(t, address, root, "DeleteRole", "RoleName", "reader"); status != 409 || !strings.Contains(text, "Cannot delete entity, must detach all policies first.") {
		t.Error(status, text)
	}
	must(t, address, root, "PutRolePolicy", "RoleName", "reader", "PolicyName", "no", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"kinesis:*","Resource":"*"}}`)
	_, err = asRole.kinesis.ListStreams(t.Context(), nil)
	refused(t, "an explicit denial", err, "AccessDeniedException", "with an explicit deny in an identity-based policy")
	_, err = c.lambda.ListFunctions(t.Context(), nil)
	refused(t, "lambda", err, "AccessDeniedException", "lambda:ListFunctions")
}

// The sender of a message is the user who sent it, by his id.
func TestSenderIsTheUser(t *testing.T) {
	address := judging(t, server.AuthIAM)
	c, _ := as(address, newUser(t, address, "ann"))
	must(t, address, root, "PutUserPolicy", "UserName", "ann", "PolicyName", "p", "PolicyDocument", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}`)
	made, err := c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: made.QueueUrl, MessageBody: aws.String("x")}); err != nil {
		t.Fatal(err)
	}
	_, id, _ := strings.Cut(must(t, address, root, "GetUser", "UserName", "ann"), "<UserId>")
	id, _, _ = strings.Cut(id, "<")
	if !strings.HasPrefix(id, "AIDA") {
		t.Fatal(id)
	}
	c.receive(t, "q", id)
}

// Functions are given roles that trust Lambda, act as them, and have mappings that may do what the role may.
// Facts: 7.3.4.
func TestExecutionRoles(t *testing.T) {
	address := judging(t, server.AuthIAM)
	c, _ := as(address, root)
	create := func(role string) error {
		_, err := c.lambda.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
			FunctionName: aws.String("f"), Runtime: "provided.al2023", Handler: aws.String("x"), Role: aws.String(role),
			Code:        &lambdatypes.FunctionCode{ZipFile: zipped(t, strings.Replace(loop, "\n", "\nhandle() { printf '{\"key\":\"%s\",\"secret\":\"%s\",\"token\":\"%s\"}' \"$AWS_ACCESS_KEY_ID\" \"$AWS_SECRET_ACCESS_KEY\" \"$AWS_SESSION_TOKEN\"; }\n", 1))},
			Environment: &lambdatypes.Environment{Variables: map[string]string{"HEADERS": "/tmp/headers"}},
		})
		return err
	}
	const untrusted = "The role defined for the function cannot be assumed by Lambda."
	refused(t, "no role", create("arn:aws:iam::000000000000:role/worker"), "InvalidParameterValueException", untrusted)
	must(t, address, root, "CreateRole", "RoleName", "worker", "AssumeRolePolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}}`)
	refused(t, "a role that does not trust", create("arn:aws:iam::000000000000:role/worker"), "InvalidParameterValueException", untrusted)
	must(t, address, root, "UpdateAssumeRolePolicy", "RoleName", "worker", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`)
	if err := create("arn:aws:iam::000000000000:role/worker"); err != nil {
		t.Fatal(err)
	}
	testMappingRoles(t, address, c)
}

func testMappingRoles(t *testing.T, address string, c clients) {
	c.prepare(t)
	if _, err := c.kinesis.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("orders"), ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	c.awaitStream(t, "orders")
	const source = "arn:aws:kinesis:us-east-1:000000000000:stream/orders"
	in := &lambda.CreateEventSourceMappingInput{
		FunctionName: aws.String("f"), EventSourceArn: aws.String(source), StartingPosition: "TRIM_HORIZON",
		DestinationConfig: &lambdatypes.DestinationConfig{OnFailure: &lambdatypes.OnFailure{Destination: aws.String(queueARN)}},
	}
	_, err := c.lambda.CreateEventSourceMapping(t.Context(), in)
	refused(t, "a role that may not read", err, "InvalidParameterValueException", "Cannot access stream "+source+". Please ensure the role can perform the GetRecords,")
	must(t, address, root, "AttachRolePolicy", "RoleName", "worker", "PolicyArn", "arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole")
	_, err = c.lambda.CreateEventSourceMapping(t.Context(), in)
	refused(t, "a role that may not send", err, "InvalidParameterValueException", "The provided execution role does not have permissions to call SendMessage on SQS")
	must(t, address, root, "PutRolePolicy", "RoleName", "worker", "PolicyName", "send", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"`+queueARN+`"}}`)
	made, err := c.lambda.CreateEventSourceMapping(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	update := func(in lambda.UpdateEventSourceMappingInput) error {
		in.UUID = made.UUID
		_, err := c.lambda.UpdateEventSourceMapping(t.Context(), &in)
		return err
	}
	const elsewhere = "arn:aws:sqs:us-east-1:000000000000:elsewhere"
	refused(t, "an update to where the role may not send",
		update(lambda.UpdateEventSourceMappingInput{DestinationConfig: &lambdatypes.DestinationConfig{OnFailure: &lambdatypes.OnFailure{Destination: aws.String(elsewhere)}}}),
		"InvalidParameterValueException", "The provided execution role does not have permissions to call SendMessage on SQS")
	must(t, address, root, "DetachRolePolicy", "RoleName", "worker", "PolicyArn", "arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole")
	if err := update(lambda.UpdateEventSourceMappingInput{FunctionName: aws.String("f")}); err != nil {
		t.Errorf("an update that names the function asks for more than the destination: %v", err)
	}
	put := &kinesis.PutRecordInput{StreamName: aws.String("orders"), PartitionKey: aws.String("k"), Data: []byte("x")}
	if _, err := c.kinesis.PutRecord(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	result := func(contains string) {
		t.Helper()
		deadline := time.Now().Add(20 * time.Second)
		for text := ""; !strings.Contains(text, contains); {
			if time.Now().After(deadline) {
				t.Fatalf("%q, want %q", text, contains)
			}
			got, err := c.lambda.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: made.UUID})
			if err != nil {
				t.Fatal(err)
			}
			text = aws.ToString(got.LastProcessingResult)
		}
	}
	result("PROBLEM: Cannot access stream ")
	must(t, address, root, "AttachRolePolicy", "RoleName", "worker", "PolicyArn", "arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole")
	result("OK")
	// And the function itself is its role, to whomever it calls.
	answer, err := c.lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f")})
	if err != nil {
		t.Fatal(err)
	}
	var keys struct{ Key, Secret, Token string }
	decode(t, answer.Payload, &keys)
	_, who := as(address, aws.Credentials{AccessKeyID: keys.Key, SecretAccessKey: keys.Secret, SessionToken: keys.Token})
	me, err := who.GetCallerIdentity(t.Context(), nil)
	if err != nil || *me.Arn != "arn:aws:sts::000000000000:assumed-role/worker/f" {
		t.Error(me, err)
	}
}

// Beyond loopback nobody is believed without a signature, unless that is what is asked for.
func TestListenElsewhere(t *testing.T) {
	if _, err := server.New(config{Listen: "0.0.0.0:0", Memory: true, Auth: server.AuthOpen}); err == nil || !strings.Contains(err.Error(), "--expose-unauthenticated") {
		t.Error(err)
	}
	if _, err := server.New(config{Listen: "127.0.0.1:0", Memory: true, Auth: "off"}); err == nil || !strings.Contains(err.Error(), "open, signed or iam") {
		t.Error(err)
	}
	address := startWith(t, func(c *config) { c.Listen = "0.0.0.0:0" })
	if status, text := call(t, "POST", address, "kinesis", "Kinesis_20131202.ListStreams", "{}"); status != 400 || !strings.Contains(text, "UnrecognizedClientException") {
		t.Error(status, text)
	}
	address = startWith(t, func(c *config) { c.Listen, c.Auth, c.ExposeUnauthenticated = "0.0.0.0:0", server.AuthOpen, true })
	if status, text := call(t, "POST", address, "kinesis", "Kinesis_20131202.ListStreams", "{}"); status != 200 {
		t.Error(status, text)
	}
}
