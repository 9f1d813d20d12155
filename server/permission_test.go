package server

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/aws/signature"
	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/identity"
	"github.com/millrace/millrace/queue"
	"github.com/millrace/millrace/store/disk/disktest"
)

var rewrite = flag.Bool("rewrite", false, "write the permissions into testdata instead of comparing; read the difference before keeping it")

// samples are the members that say what an operation is about, by service.
var samples = map[string]map[string]string{
	"kinesis": {
		"StreamName": "s", "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/s", "ResourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/s",
		"ConsumerARN": "arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/c:1",
	},
	"lambda": {
		"FunctionName": "f", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:f", "LayerName": "l", "Arn": "arn:aws:lambda:us-east-1:000000000000:layer:l:1",
		"UUID": "uuid", "Role": "arn:aws:iam::000000000000:role/r", "Layers": "arn:aws:lambda:us-east-1:000000000000:layer:l:1",
	},
	"sqs": {
		"QueueUrl": "http://h/000000000000/q", "QueueName": "q", "SourceArn": "arn:aws:sqs:us-east-1:000000000000:dead", "DestinationArn": "arn:aws:sqs:us-east-1:000000000000:q",
		"TaskHandle": "eyJ0YXNrSWQiOiIxIiwic291cmNlQXJuIjoiYXJuOmF3czpzcXM6dXMtZWFzdC0xOjAwMDAwMDAwMDAwMDpkZWFkIn0=",
	},
	"sns": {
		"TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "ResourceArn": "arn:aws:sns:us-east-1:000000000000:t", "Name": "t",
		"SubscriptionArn": "arn:aws:sns:us-east-1:000000000000:t:00000000-0000-0000-0000-000000000001",
	},
	"logs": {
		"LogGroupName": "g", "LogStreamName": "s", "ResourceArn": "arn:aws:logs:us-east-1:000000000000:log-group:g", "LogGroupIdentifier": "g", "LogGroupIdentifiers": "g",
	},
	"monitoring": {
		"AlarmName": "a", "AlarmNames": "a", "ResourceARN": "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a",
	},
	"iam": {
		"PolicyArn": "arn:aws:iam::000000000000:policy/p", "PolicySourceArn": "arn:aws:iam::000000000000:user/u", "UserName": "u", "RoleName": "r", "GroupName": "g", "PolicyName": "p",
		"NewUserName": "new", "NewGroupName": "new",
	},
	"sts": {"RoleArn": "arn:aws:iam::000000000000:role/r", "RoleSessionName": "job"},
}

// fill gives an input the members that say what it is about, and a tag.
func fill(in protocol.Input, service string) {
	v := reflect.Indirect(reflect.ValueOf(in))
	for name, text := range samples[service] {
		switch f := v.FieldByName(name); {
		case !f.IsValid():
		case f.Kind() == reflect.String:
			f.SetString(text)
		case f.Kind() == reflect.Pointer && f.Type().Elem().Kind() == reflect.String:
			f.Set(reflect.ValueOf(&text))
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.String:
			f.Set(reflect.ValueOf([]string{text}))
		}
	}
	if tags := v.FieldByName("Tags"); tags.IsValid() {
		switch tags.Kind() {
		case reflect.Map:
			tags.Set(reflect.ValueOf(map[string]string{"k": "v"}))
		case reflect.Slice:
			tags.Set(reflect.MakeSlice(tags.Type(), 1, 1))
		}
	}
}

// house are the rooms of a server in memory. Nothing of them runs.
func house(t *testing.T) (rooms, Config) {
	t.Helper()
	c, err := Config{Memory: true, Auth: AuthIAM, Clock: clockwork.NewFakeClock(), Isolation: "off"}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	engine := disktest.Memory(t)
	r, err := buildRooms(c, engine, t.TempDir(), "http://127.0.0.1:4566")
	if err != nil {
		t.Fatal(err)
	}
	return r, c
}

// TestResourceTags makes things with tags, for which conditions then may ask.
func TestResourceTags(t *testing.T) {
	r, c := house(t)
	services, _ := r.doors(c)
	handler := protocol.NewHandler(protocol.Config{Log: c.Log, Account: "000000000000", Region: "us-east-1"}, services...)
	for service, make := range map[string]struct{ target, body, operation string }{
		"kinesis": {"Kinesis_20131202.CreateStream", `{"StreamName":"s","ShardCount":1,"Tags":{"Team":"a"}}`, "PutRecord"},
		"sqs":     {"AmazonSQS.CreateQueue", `{"QueueName":"q","tags":{"Team":"a"}}`, "SendMessage"},
		"logs":    {"Logs_20140328.CreateLogGroup", `{"logGroupName":"g","tags":{"Team":"a"}}`, "PutLogEvents"},
		"sns":     {"", "Action=CreateTopic&Name=t&Tags.member.1.Key=Team&Tags.member.1.Value=a&Version=2010-03-31", "Publish"},
		"monitoring": {
			"GraniteServiceVersion20100801.PutMetricAlarm",
			`{"AlarmName":"a","Namespace":"n","MetricName":"m","Statistic":"Sum","Period":60,"EvaluationPeriods":1,"Threshold":1,` +
				`"ComparisonOperator":"GreaterThanThreshold","Tags":[{"Key":"Team","Value":"a"}]}`, "SetAlarmState",
		},
		"iam": {"", "Action=CreateUser&UserName=u&Tags.member.1.Key=Team&Tags.member.1.Value=a&Version=2010-05-08", "PutUserPolicy"},
	} {
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(make.body))
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=00")
		req.Header.Set("X-Amz-Date", "20260101T000000Z")
		if req.Header.Set("Content-Type", "application/x-www-form-urlencoded"); make.target != "" {
			req.Header.Set("X-Amz-Target", make.target)
			req.Header.Set("Content-Type", map[bool]string{true: "application/x-amz-json-1.0", false: "application/x-amz-json-1.1"}[service == "sqs" || service == "monitoring"])
		}
		answer := httptest.NewRecorder()
		if handler.ServeHTTP(answer, req); answer.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", service, answer.Code, answer.Body)
		}
		s := &services[slices.IndexFunc(services, func(s protocol.Service) bool { return s.Name == service })]
		in := s.Operations[slices.IndexFunc(s.Operations, func(o protocol.Operation) bool { return o.Name == make.operation })].Input()
		fill(in, service)
		ctx := protocol.WithCall(t.Context(), protocol.Call{Service: service, Operation: make.operation, Account: "000000000000", Region: "us-east-1"})
		accesses, err := s.Accesses(ctx, in)
		if err != nil || len(accesses) != 1 || !slices.Equal(accesses[0].Keys["aws:resourcetag/team"], []string{"a"}) {
			t.Errorf("%s: %+v %v", service, accesses, err)
		}
	}
}

// free are the operations for which nobody needs a permission, as on AWS.
var free = []string{"sts:GetCallerIdentity", "sts:GetSessionToken"}

// TestPermissions holds what each operation of each door asks for against the table in testdata: there is none that asks for
// nothing. The dispatcher asks before it carries anything out (aws/protocol's TestDenied).
func TestPermissions(t *testing.T) {
	r, c := house(t)
	services, _ := r.doors(c)
	var lines []string
	for i := range services {
		s := &services[i]
		for _, o := range s.Operations {
			in := o.Input()
			fill(in, s.Name)
			ctx := protocol.WithCall(t.Context(), protocol.Call{Service: s.Name, Operation: o.Name, Account: "000000000000", Region: "us-east-1"})
			accesses, err := s.Accesses(ctx, in)
			if err != nil {
				t.Errorf("%s:%s: %v", s.Name, o.Name, err)
			}
			if len(accesses) == 0 && !slices.Contains(free, s.Name+":"+o.Name) {
				t.Errorf("%s:%s asks for nothing", s.Name, o.Name)
			}
			for _, a := range accesses {
				lines = append(lines, fmt.Sprintf("%s:%s  %s  %s", s.Name, o.Name, a.Action, a.Resource))
				if vendor, _, ok := strings.Cut(a.Action, ":"); !ok || vendor == "" || a.Resource == "" {
					t.Errorf("%s:%s: %+v", s.Name, o.Name, a)
				}
			}
		}
	}
	const file = "testdata/permissions.txt"
	got := strings.Join(lines, "\n") + "\n"
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Split(string(want), "\n")
	for _, line := range lines {
		if !slices.Contains(known, line) {
			t.Errorf("not in %s: %s", file, line)
		}
	}
	if got != string(want) && !t.Failed() {
		t.Errorf("%s holds what is not asked any more", file)
	}
}

// TestRoleMeetsResources asks what a role may do to a queue whose policy has another opinion.
func TestRoleMeetsResources(t *testing.T) {
	r, c := house(t)
	of := &resources{clock: c.Clock, streams: r.streams, functions: r.functions, queues: r.queues, topics: r.topics}
	const arn, role = "arn:aws:sqs:us-east-1:000000000000:q", "arn:aws:iam::000000000000:role/r"
	name := identity.Name{Account: "000000000000", Kind: identity.Role, Name: "r"}
	if _, err := r.identities.Create(t.Context(), identity.Entity{
		Name: name, Trust: `{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"000000000000"}}}}`,
	}); err != nil {
		t.Fatal(err)
	}
	if !(roles{r.identities, of}).Assumable("000000000000", role) {
		t.Error("a role that trusts the service for its own account is not assumable")
	}
	may := func(want bool, when, policy string) {
		t.Helper()
		queueName := queue.Name{Account: "000000000000", Region: "us-east-1", Name: "q"}
		if err := errors.Join(r.queues.Delete(t.Context(), queueName), r.queues.Create(t.Context(), queueName, map[string]string{"Policy": policy}, nil)); err != nil && !errors.Is(err, queue.ErrNotFound) {
			t.Fatal(err)
		}
		if err := (roles{r.identities, of}).MaySend(role, arn); (err == nil) != want {
			t.Errorf("%s: %v", when, err)
		}
	}
	may(false, "nobody says so", "")
	may(true, "the queue says so", `{"Statement":{"Effect":"Allow","Principal":{"AWS":"`+role+`"},"Action":"sqs:SendMessage","Resource":"*"}}`)
	if err := r.identities.PutInline(t.Context(), name, "p", `{"Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}`); err != nil {
		t.Fatal(err)
	}
	may(true, "the role says so", "")
	may(false, "the queue denies it", `{"Statement":{"Effect":"Deny","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}}`)
}

// denying lets everyone in and nobody do anything.
type denying struct{ asked *[]string }

func (d denying) Authenticate(*http.Request, []byte, *signature.Signature, string) (protocol.Caller, error) {
	return protocol.Caller{Account: "000000000000"}, nil
}

func (d denying) Authorize(_ context.Context, _ protocol.Call, accesses ...protocol.Access) error {
	for _, a := range accesses {
		*d.asked = append(*d.asked, a.Action+" "+a.Resource)
	}
	return &protocol.Denied{Message: "no"}
}

// TestObjectPermissions walks through the operations of S3, whose door finds its way by itself.
func TestObjectPermissions(t *testing.T) {
	r, c := house(t)
	services, _ := r.doors(c)
	var asked []string
	d := denying{&asked}
	handler := protocol.NewHandler(protocol.Config{Log: c.Log, Account: c.Account, Region: c.Region, Authenticator: d, Authorizer: d}, services...)
	const bucket, object = "arn:aws:s3:::bbb", "arn:aws:s3:::bbb/k/a"
	for request, want := range map[string]string{
		"GET /":                      "s3:ListAllMyBuckets *",
		"GET /bbb?acl":               "s3:GetBucketAcl " + bucket,
		"GET /bbb?accelerate":        "s3:GetAccelerateConfiguration " + bucket,
		"GET /bbb?location":          "s3:GetBucketLocation " + bucket,
		"GET /bbb?logging":           "s3:GetBucketLogging " + bucket,
		"GET /bbb?requestPayment":    "s3:GetBucketRequestPayment " + bucket,
		"GET /bbb?tagging":           "s3:GetBucketTagging " + bucket,
		"GET /bbb?versioning":        "s3:GetBucketVersioning " + bucket,
		"PUT /bbb?tagging":           "s3:PutBucketTagging " + bucket,
		"DELETE /bbb?tagging":        "s3:PutBucketTagging " + bucket,
		"GET /bbb?uploads":           "s3:ListBucketMultipartUploads " + bucket,
		"GET /bbb?list-type=2":       "s3:ListBucket " + bucket,
		"GET /bbb":                   "s3:ListBucket " + bucket,
		"GET /bbb?policy":            "s3:GetBucketPolicy " + bucket,
		"GET /bbb?encryption":        "s3:GetEncryptionConfiguration " + bucket,
		"PUT /bbb":                   "s3:CreateBucket " + bucket,
		"HEAD /bbb":                  "s3:ListBucket " + bucket,
		"DELETE /bbb":                "s3:DeleteBucket " + bucket,
		"GET /bbb/k/a":               "s3:GetObject " + object,
		"GET /bbb/k%2Fa":             "s3:GetObject " + object,
		"GET /bbb/k/a?uploadId=u":    "s3:ListMultipartUploadParts " + object,
		"HEAD /bbb/k/a":              "s3:GetObject " + object,
		"PUT /bbb/k/a":               "s3:PutObject " + object,
		"PUT /bbb/k/a?uploadId=u":    "s3:PutObject " + object,
		"DELETE /bbb/k/a":            "s3:DeleteObject " + object,
		"DELETE /bbb/k/a?uploadId=u": "s3:AbortMultipartUpload " + object,
		"POST /bbb/k/a?uploads":      "s3:PutObject " + object,
		"POST /bbb/k/a?uploadId=u":   "s3:PutObject " + object,

		"PUT /bbb/k/a x-amz-copy-source:/other/k": "s3:PutObject " + object,
	} {
		asked = nil
		method, rest, _ := strings.Cut(request, " ")
		target, header, _ := strings.Cut(rest, " ")
		req := httptest.NewRequest(method, target, nil)
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00")
		req.Header.Set("X-Amz-Date", "20260101T000000Z")
		if name, value, ok := strings.Cut(header, ":"); ok {
			req.Header.Set(name, value)
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, req)
		if answer.Code != http.StatusForbidden || !slices.Equal(asked, []string{want}) {
			t.Errorf("%s: %d, asked for %q", request, answer.Code, asked)
		}
	}
}

// TestNoticeSender reads who sent a notice: the role in Lambda's session, or the account that a role is missing in.
func TestNoticeSender(t *testing.T) {
	r, _ := house(t)
	by := roles{identities: r.identities}
	name := identity.Name{Account: "000000000000", Kind: identity.Role, Name: "r"}
	if _, err := r.identities.Create(t.Context(), identity.Entity{Name: name, Trust: `{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`}); err != nil {
		t.Fatal(err)
	}
	e, err := r.identities.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 10, 9, 18, 43, 26, 7e6, time.FixedZone("elsewhere", 2*60*60))
	for role, want := range map[string]string{
		"arn:aws:iam::000000000000:role/r":     e.ID + ":awslambda_0_20261009164326007",
		"arn:aws:iam::000000000000:role/other": "000000000000:awslambda_0_20261009164326007",
	} {
		if got := by.sender(function.Notice{Account: "000000000000", Role: role}, at); got != want {
			t.Errorf("%s sends as %s, want %s", role, got, want)
		}
	}
}
