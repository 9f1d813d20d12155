package lambda_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/aws/lambda"
	"github.com/millrace/millrace/function"
)

// memberCase says what becomes of a member of a request: it is carried out, or it is refused.
type memberCase struct {
	// path is the member: names joined by dots. A member that is refused whatever it holds stands for all within it.
	path string
	// with is laid over a good request, and asks for something by the member.
	with string
	// shows is what is seen of it afterwards when it is carried out.
	shows string
	// says is the refusal's text; empty when the member is carried out.
	says string
	// idle are laid over a good request too, and ask for nothing: they are accepted.
	idle []string
}

// leaves returns the members of a request's type that hold values.
func leaves(of reflect.Type, prefix string) (paths []string) {
	for i := range of.NumField() {
		field := of.Field(i)
		if !field.IsExported() {
			continue
		}
		path := prefix + field.Name
		inner := field.Type
		if inner.Kind() == reflect.Pointer && inner.Elem().Kind() == reflect.Struct && inner.Elem() != reflect.TypeFor[time.Time]() {
			paths = append(paths, leaves(inner.Elem(), path+".")...)
			continue
		}
		paths = append(paths, path)
	}
	return paths
}

// expectAllMembers fails for a member of the type that has no case, which would be accepted and ignored for all we know,
// and for a case without a member.
func expectAllMembers(t *testing.T, of reflect.Type, cases []memberCase) {
	t.Helper()
	all := leaves(of, "")
	covers := func(c memberCase, leaf string) bool {
		return c.path == leaf || c.says != "" && strings.HasPrefix(leaf, c.path+".")
	}
	for _, leaf := range all {
		if !slices.ContainsFunc(cases, func(c memberCase) bool { return covers(c, leaf) }) {
			t.Errorf("%s: nothing is known of the member %s", of.Name(), leaf)
		}
	}
	for _, c := range cases {
		if !slices.ContainsFunc(all, func(leaf string) bool { return covers(c, leaf) }) {
			t.Errorf("%s has no member %s", of.Name(), c.path)
		}
	}
}

// overlay returns the document base with the members of another one.
func overlay(t *testing.T, base, with string) string {
	t.Helper()
	document := map[string]any{}
	for _, text := range []string{base, with} {
		var members map[string]any
		if err := json.Unmarshal([]byte(spelled(t, text)), &members); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		maps.Copy(document, members)
	}
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// playMembers sends every case. send makes the request and returns the answer; look returns what is there after one that
// was accepted, and makes room for the next.
func playMembers(t *testing.T, cases []memberCase, send func(with string) string, look func(answer string) string) {
	t.Helper()
	accepted := func(c memberCase, with, shows string) {
		t.Helper()
		answer := send(with)
		if !strings.HasPrefix(answer, "20") {
			t.Errorf("%s: %s: %s", c.path, with, answer)
			return
		}
		if now := look(answer); !strings.Contains(now, shows) {
			t.Errorf("%s: %s: %s is not in %s", c.path, with, shows, now)
		}
	}
	for _, c := range cases {
		if c.says == "" {
			accepted(c, c.with, c.shows)
		} else if answer := send(c.with); !strings.HasPrefix(answer, "4") || !strings.Contains(answer, strconv.Quote(c.says)) {
			t.Errorf("%s: %s: %s", c.path, c.with, answer)
		}
		for _, with := range c.idle {
			accepted(c, with, "")
		}
	}
}

const (
	noLevels = `LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the LogFormat to "JSON" and try again.`
	aKey     = `"arn:aws:kms:eu-west-1:123456789012:key/k"`
)

// aLayer makes the layer that functions have.
const aLayer = "POST /2018-10-31/layers/l/versions\n\n" + `{"Content":{"ZipFile":"ZIP(one)"}}`

// settings are the cases that creating a function and updating its configuration share.
var settings = []memberCase{
	{path: "Runtime", with: `{"Runtime":"python3.13"}`, shows: `"Runtime":"python3.13"`},
	{path: "Role", with: `{"Role":"arn:aws:iam::123456789012:role/s"}`, shows: `"Role":"arn:aws:iam::123456789012:role/s"`},
	{path: "Handler", with: `{"Handler":"other.h"}`, shows: `"Handler":"other.h"`},
	{path: "Description", with: `{"Description":"d"}`, shows: `"Description":"d"`, idle: []string{`{"Description":""}`}},
	{path: "Timeout", with: `{"Timeout":900}`, shows: `"Timeout":900`},
	{path: "MemorySize", with: `{"MemorySize":10240}`, shows: `"MemorySize":10240`},
	{path: "EphemeralStorage.Size", with: `{"EphemeralStorage":{"Size":1024}}`, shows: `"EphemeralStorage":{"Size":1024}`},
	{
		path: "Environment.Variables", with: `{"Environment":{"Variables":{"KEY":"v"}}}`, shows: `"Environment":{"Variables":{"KEY":"v"}}`,
		idle: []string{`{"Environment":{}}`, `{"Environment":{"Variables":{}}}`},
	},
	{path: "LoggingConfig.LogGroup", with: `{"LoggingConfig":{"LogGroup":"/own"}}`, shows: `"LogGroup":"/own"`, idle: []string{`{"LoggingConfig":{}}`}},
	{
		path: "LoggingConfig.LogFormat", with: `{"LoggingConfig":{"LogFormat":"JSON"}}`,
		shows: `"LoggingConfig":{"LogFormat":"JSON","ApplicationLogLevel":"INFO","SystemLogLevel":"INFO","LogGroup":`,
	},
	{
		path: "LoggingConfig.ApplicationLogLevel", with: `{"LoggingConfig":{"LogFormat":"JSON","ApplicationLogLevel":"TRACE"}}`,
		shows: `"ApplicationLogLevel":"TRACE","SystemLogLevel":"INFO"`,
	},
	{
		path: "LoggingConfig.SystemLogLevel", with: `{"LoggingConfig":{"LogFormat":"JSON","SystemLogLevel":"WARN"}}`, shows: `"SystemLogLevel":"WARN"`,
		idle: []string{`{"LoggingConfig":{"LogFormat":"Text"}}`},
	},
	{path: "LoggingConfig.ApplicationLogLevel", with: `{"LoggingConfig":{"ApplicationLogLevel":"INFO"}}`, says: noLevels},
	{path: "LoggingConfig.SystemLogLevel", with: `{"LoggingConfig":{"LogFormat":"Text","SystemLogLevel":"INFO"}}`, says: noLevels},
	{path: "LoggingConfig.SystemLogLevel", with: `{"LoggingConfig":{"LogFormat":"Text","SystemLogLevel":"INFO"}}`, says: noLevels},
	{
		path: "VpcConfig.SubnetIds", with: `{"VpcConfig":{"SubnetIds":["subnet-1"]}}`, says: "VpcConfig is not supported.",
		idle: []string{`{"VpcConfig":{}}`, `{"VpcConfig":{"SubnetIds":[],"SecurityGroupIds":[],"Ipv6AllowedForDualStack":false}}`},
	},
	{path: "VpcConfig.SecurityGroupIds", with: `{"VpcConfig":{"SecurityGroupIds":["sg-1"]}}`, says: "VpcConfig is not supported."},
	{path: "VpcConfig.Ipv6AllowedForDualStack", with: `{"VpcConfig":{"Ipv6AllowedForDualStack":true}}`, says: "VpcConfig is not supported."},
	{
		path: "DeadLetterConfig.TargetArn", with: `{"DeadLetterConfig":{"TargetArn":"arn:aws:sqs:eu-west-1:123456789012:q"}}`,
		shows: `"DeadLetterConfig":{"TargetArn":"arn:aws:sqs:eu-west-1:123456789012:q"}`, idle: []string{`{"DeadLetterConfig":{}}`, `{"DeadLetterConfig":{"TargetArn":""}}`},
	},
	{path: "KMSKeyArn", with: `{"KMSKeyArn":` + aKey + `}`, says: "KMSKeyArn is not supported.", idle: []string{`{"KMSKeyArn":""}`, `{"KMSKeyArn":null}`}},
	{
		path: "TracingConfig.Mode", with: `{"TracingConfig":{"Mode":"Active"}}`, says: "TracingConfig.Mode Active is not supported.",
		idle: []string{`{"TracingConfig":{}}`, `{"TracingConfig":{"Mode":"PassThrough"}}`},
	},
	{
		path: "Layers", with: `{"Layers":["arn:aws:lambda:eu-west-1:123456789012:layer:l:1"]}`, shows: `"Layers":[{"Arn":"arn:aws:lambda:eu-west-1:123456789012:layer:l:1","CodeSize":131}]`,
		idle: []string{`{"Layers":[]}`},
	},
	{
		path: "FileSystemConfigs", with: `{"FileSystemConfigs":[{"Arn":"arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0","LocalMountPath":"/mnt/x"}]}`,
		says: "FileSystemConfigs is not supported.", idle: []string{`{"FileSystemConfigs":[]}`},
	},
	{
		path: "ImageConfig.EntryPoint", with: `{"ImageConfig":{"EntryPoint":["a"]}}`, says: "ImageConfig is not supported.",
		idle: []string{`{"ImageConfig":{}}`, `{"ImageConfig":{"EntryPoint":[],"Command":[],"WorkingDirectory":""}}`},
	},
	{path: "ImageConfig.Command", with: `{"ImageConfig":{"Command":["a"]}}`, says: "ImageConfig is not supported."},
	{path: "ImageConfig.WorkingDirectory", with: `{"ImageConfig":{"WorkingDirectory":"/"}}`, says: "ImageConfig is not supported."},
	{
		path: "SnapStart.ApplyOn", with: `{"SnapStart":{"ApplyOn":"PublishedVersions"}}`, says: "SnapStart.ApplyOn PublishedVersions is not supported.",
		idle: []string{`{"SnapStart":{}}`, `{"SnapStart":{"ApplyOn":"None"}}`},
	},
	{
		path: "CapacityProviderConfig", says: "CapacityProviderConfig is not supported.",
		with: `{"CapacityProviderConfig":{"LambdaManagedInstancesCapacityProviderConfig":{"CapacityProviderArn":"arn:aws:lambda:eu-west-1:123456789012:capacity-provider:c"}}}`,
	},
	{path: "DurableConfig", with: `{"DurableConfig":{}}`, says: "DurableConfig is not supported.", idle: []string{`{"DurableConfig":null}`}},
}

// hash is how the archive of a content shows in a function's configuration.
func hash(t *testing.T, content string) string {
	sum := sha256.Sum256(zipped(t, content))
	return `"CodeSha256":"` + base64.StdEncoding.EncodeToString(sum[:]) + `"`
}

const goodFunction = `{"FunctionName":"f","Runtime":"python3.12","Handler":"main.echo","Role":"arn:aws:iam::123456789012:role/r","Code":{"ZipFile":"ZIP(one)"}}`

// besideZip is a member beside the archive in CreateFunction's Code.
func besideZip(name, value string) memberCase {
	return memberCase{path: "Code." + name, with: `{"Code":{"ZipFile":"ZIP(one)","` + name + `":` + value + `}}`, says: "Code." + name + " is not supported."}
}

func TestCreateFunctionMembers(t *testing.T) {
	cases := append(slices.Clone(settings),
		memberCase{path: "FunctionName", with: `{"FunctionName":"arn:aws:lambda:eu-west-1:123456789012:function:f"}`, shows: `"FunctionName":"f"`},
		memberCase{path: "Code.ZipFile", with: `{"Code":{"ZipFile":"ZIP(two)"}}`, shows: hash(t, "two")},
		memberCase{path: "Architectures", with: `{"Architectures":["arm64"]}`, shows: `"Architectures":["arm64"]`},
		memberCase{path: "Publish", with: `{"Publish":true}`, shows: `"Version":"1"`, idle: []string{`{"Publish":false}`}},
		memberCase{path: "PackageType", with: `{"PackageType":"Image"}`, says: "PackageType Image is not supported.", idle: []string{`{"PackageType":"Zip"}`}},
		memberCase{path: "Tags", with: `{"Tags":{"a":"b"}}`, shows: `"Tags":{"a":"b"}`, idle: []string{`{"Tags":{}}`, `{"Tags":null}`}},
		memberCase{
			path: "CodeSigningConfigArn", says: "CodeSigningConfigArn is not supported.",
			with: `{"CodeSigningConfigArn":"arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0123456789abcdef0"}`,
		},
		memberCase{path: "PublishTo", with: `{"PublishTo":"LATEST_PUBLISHED"}`, says: "PublishTo is not supported."},
		memberCase{path: "TenancyConfig", with: `{"TenancyConfig":{"TenantIsolationMode":"PER_TENANT"}}`, says: "TenancyConfig is not supported."},
		memberCase{path: "Code.S3Bucket", with: `{"Code":{"S3Bucket":"bucket","S3Key":"other"}}`, shows: hash(t, "two")},
		memberCase{path: "Code.S3Key", with: `{"Code":{"S3Bucket":"bucket","S3Key":"key"}}`, shows: hash(t, "one")},
		memberCase{
			path: "Code.S3ObjectVersion", with: `{"Code":{"S3Bucket":"bucket","S3Key":"key","S3ObjectVersion":"1"}}`,
			says: "Error occurred while GetObject. S3 Error Code: NoSuchVersion. S3 Error Message: The specified version does not exist.",
		},
		memberCase{
			path: "Code.S3ObjectStorageMode", with: `{"Code":{"S3Bucket":"bucket","S3Key":"key","S3ObjectStorageMode":"REFERENCE"}}`,
			says: "Code.S3ObjectStorageMode REFERENCE is not supported.", idle: []string{`{"Code":{"ZipFile":"ZIP(one)","S3ObjectStorageMode":"COPY"}}`},
		},
		besideZip("ImageUri", `"image"`), besideZip("SourceKMSKeyArn", aKey),
	)
	expectAllMembers(t, reflect.TypeFor[lambda.CreateFunctionRequest](), cases)
	synctest.Test(t, func(t *testing.T) {
		h, stop := open(t, func(*function.Config) {})
		defer stop()
		exchange(t, h, aLayer)
		playMembers(t, cases, func(with string) string {
			return exchange(t, h, "POST /2015-03-31/functions\n\n"+overlay(t, goodFunction, with))
		}, func(string) string {
			synctest.Wait()
			now := exchange(t, h, "GET /2015-03-31/functions/f") + exchange(t, h, "GET /2015-03-31/functions/f/versions")
			exchange(t, h, "DELETE /2015-03-31/functions/f")
			return now
		})
	})
}

// updateMembers plays the cases of an update of the function "f".
func updateMembers(t *testing.T, path, base string, cases []memberCase) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h, stop := open(t, func(*function.Config) {})
		defer stop()
		exchange(t, h, aLayer)
		exchange(t, h, "POST /2015-03-31/functions\n\n"+overlay(t, goodFunction, `{}`))
		synctest.Wait()
		playMembers(t, cases, func(with string) string {
			return exchange(t, h, "PUT /2015-03-31/functions/f/"+path+"\n\n"+overlay(t, base, with))
		}, func(string) string {
			synctest.Wait()
			return exchange(t, h, "GET /2015-03-31/functions/f/configuration") + exchange(t, h, "GET /2015-03-31/functions/f/versions")
		})
	})
}

const otherRevision = "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"

func TestUpdateFunctionConfigurationMembers(t *testing.T) {
	cases := append(slices.Clone(settings),
		memberCase{path: "FunctionName", with: `{}`, shows: `"FunctionName":"f"`}, // stands in the path
		memberCase{path: "RevisionId", with: `{"RevisionId":"x"}`, says: otherRevision, idle: []string{`{"RevisionId":null}`}},
	)
	expectAllMembers(t, reflect.TypeFor[lambda.UpdateFunctionConfigurationRequest](), cases)
	updateMembers(t, "configuration", `{}`, cases)
}

func TestUpdateFunctionCodeMembers(t *testing.T) {
	refused := func(name, value string) memberCase {
		return memberCase{path: name, with: `{"` + name + `":` + value + `}`, says: name + " is not supported."}
	}
	cases := []memberCase{
		{path: "FunctionName", with: `{}`, shows: `"FunctionName":"f"`}, // stands in the path
		{path: "DryRun", with: `{"ZipFile":"ZIP(two)","DryRun":true}`, shows: hash(t, "one"), idle: []string{`{"DryRun":false}`}},
		{path: "ZipFile", with: `{"ZipFile":"ZIP(two)"}`, shows: hash(t, "two")},
		{path: "Architectures", with: `{"Architectures":["arm64"]}`, shows: `"Architectures":["arm64"]`},
		{path: "RevisionId", with: `{"RevisionId":"x"}`, says: otherRevision},
		{path: "Publish", with: `{"Publish":true}`, shows: `"Version":"1"`, idle: []string{`{"Publish":false}`}},
		{path: "ImageUri", with: `{"ImageUri":"i"}`, says: "Please don't provide ImageUri when updating a function with packageType Zip."},
		{path: "S3Bucket", with: `{"ZipFile":null,"S3Bucket":"bucket","S3Key":"other"}`, shows: hash(t, "two")},
		{path: "S3Key", with: `{"ZipFile":null,"S3Bucket":"bucket","S3Key":"key"}`, shows: hash(t, "one")},
		{
			path: "S3ObjectVersion", with: `{"ZipFile":null,"S3Bucket":"bucket","S3Key":"key","S3ObjectVersion":"1"}`,
			says: "Error occurred while GetObject. S3 Error Code: NoSuchVersion. S3 Error Message: The specified version does not exist.",
		},
		{
			path: "S3ObjectStorageMode", with: `{"S3ObjectStorageMode":"REFERENCE"}`, says: "S3ObjectStorageMode REFERENCE is not supported.",
			idle: []string{`{"S3ObjectStorageMode":"COPY"}`},
		},
		refused("PublishTo", `"LATEST_PUBLISHED"`), refused("SourceKMSKeyArn", aKey),
	}
	expectAllMembers(t, reflect.TypeFor[lambda.UpdateFunctionCodeRequest](), cases)
	updateMembers(t, "code", `{"ZipFile":"ZIP(one)"}`, cases)
}

// foreign is a case of a member that belongs to other kinds of sources.
func foreign(name, value string) memberCase {
	return memberCase{path: name, with: `{"` + name + `":` + value + `}`, says: "Unsupported " + name + " parameter for given event source mapping type."}
}

// mappingSettings are the cases that creating and updating a mapping share.
var mappingSettings = []memberCase{
	{path: "FunctionName", with: `{"FunctionName":"refund:$LATEST"}`, shows: `:function:refund:$LATEST"`},
	{path: "BatchSize", with: `{"BatchSize":10000}`, shows: `"BatchSize":10000`},
	{path: "MaximumBatchingWindowInSeconds", with: `{"MaximumBatchingWindowInSeconds":300}`, shows: `"MaximumBatchingWindowInSeconds":300`},
	{path: "ParallelizationFactor", with: `{"ParallelizationFactor":10}`, shows: `"ParallelizationFactor":10`},
	{path: "MaximumRecordAgeInSeconds", with: `{"MaximumRecordAgeInSeconds":60}`, shows: `"MaximumRecordAgeInSeconds":60`, idle: []string{`{"MaximumRecordAgeInSeconds":-1}`}},
	{path: "MaximumRetryAttempts", with: `{"MaximumRetryAttempts":0}`, shows: `"MaximumRetryAttempts":0`, idle: []string{`{"MaximumRetryAttempts":-1}`}},
	{path: "BisectBatchOnFunctionError", with: `{"BisectBatchOnFunctionError":true}`, shows: `"BisectBatchOnFunctionError":true`},
	{path: "Enabled", with: `{"Enabled":false}`, shows: `"State":"Disabled"`, idle: []string{`{"Enabled":true}`, `{"Enabled":null}`}},
	{
		path: "DestinationConfig.OnFailure.Destination", with: `{"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:sqs:eu-west-1:123456789012:q"}}}`,
		shows: `{"OnFailure":{"Destination":"arn:aws:sqs:eu-west-1:123456789012:q"}}`,
		idle:  []string{`{"DestinationConfig":{}}`, `{"DestinationConfig":{"OnFailure":{}}}`, `{"DestinationConfig":{"OnFailure":{"Destination":""}}}`},
	},
	{
		path: "DestinationConfig.OnSuccess.Destination", with: `{"DestinationConfig":{"OnSuccess":{"Destination":"arn:aws:sqs:eu-west-1:123456789012:q"}}}`,
		says: "OnSuccess configuration is not supported for event source mappings.",
		idle: []string{`{"DestinationConfig":{"OnSuccess":{}}}`, `{"DestinationConfig":{"OnSuccess":null,"OnFailure":{}}}`},
	},
	{
		path: "FilterCriteria.Filters", with: `{"FilterCriteria":{"Filters":[{"Pattern":"{\"a\":[1]}"}]}}`,
		shows: `"FilterCriteria":{"Filters":[{"Pattern":"{\"a\":[1]}"}]}`,
		idle:  []string{`{"FilterCriteria":{}}`, `{"FilterCriteria":{"Filters":[]}}`, `{"FilterCriteria":null}`},
	},
	{path: "TumblingWindowInSeconds", with: `{"TumblingWindowInSeconds":900,"ParallelizationFactor":1}`, shows: `"TumblingWindowInSeconds":900`, idle: []string{`{"TumblingWindowInSeconds":0}`}},
	{
		path: "FunctionResponseTypes", with: `{"FunctionResponseTypes":["ReportBatchItemFailures"]}`, shows: `"FunctionResponseTypes":["ReportBatchItemFailures"]`,
		idle: []string{`{"FunctionResponseTypes":[]}`},
	},
	{path: "KMSKeyArn", with: `{"KMSKeyArn":` + aKey + `}`, shows: `"KMSKeyArn":` + aKey, idle: []string{`{"KMSKeyArn":""}`}},
	{
		path: "MetricsConfig.Metrics", with: `{"MetricsConfig":{"Metrics":["EventCount"]}}`, shows: `"MetricsConfig":{"Metrics":["EventCount"]}`,
		idle: []string{`{"MetricsConfig":{}}`, `{"MetricsConfig":{"Metrics":[]}}`},
	},
	foreign("AmazonManagedKafkaEventSourceConfig", `{"ConsumerGroupId":"g"}`),
	foreign("SelfManagedKafkaEventSourceConfig", `{}`),
	foreign("ScalingConfig", `{"MaximumConcurrency":2}`),
	foreign("DocumentDBEventSourceConfig", `{"DatabaseName":"d"}`),
	foreign("LoggingConfig", `{"SystemLogLevel":"INFO"}`),
	foreign("ProvisionedPollerConfig", `{"MinimumPollers":1}`),
	foreign("SourceAccessConfigurations", `[{"Type":"BASIC_AUTH","URI":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:s"}]`),
	{path: "SourceAccessConfigurations", with: `{"SourceAccessConfigurations":[]}`, shows: `"State":"Enabled"`},
}

const (
	goodMapping  = `{"EventSourceArn":"arn:aws:kinesis:eu-west-1:123456789012:stream/orders","FunctionName":"charge","StartingPosition":"TRIM_HORIZON"}`
	mappingsPath = "/2015-03-31/event-source-mappings/"
)

// rested shows a mapping whose transition has ended.
func rested(t *testing.T, h http.Handler, answer string) (path, now string) {
	t.Helper()
	path = mappingsPath + uuids.FindString(answer)
	<-time.After(time.Second)
	return path, exchange(t, h, "GET "+path)
}

// Facts: 1.2.3.
func TestCreateEventSourceMappingMembers(t *testing.T) {
	cases := append(slices.Clone(mappingSettings),
		memberCase{path: "EventSourceArn", with: `{"EventSourceArn":"arn:aws:kinesis:eu-west-1:123456789012:stream/returns"}`, shows: `:stream/returns"`},
		memberCase{path: "StartingPosition", with: `{"StartingPosition":"LATEST"}`, shows: `"StartingPosition":"LATEST"`},
		memberCase{
			path: "StartingPositionTimestamp", with: `{"StartingPosition":"AT_TIMESTAMP","StartingPositionTimestamp":946684800.9}`,
			shows: `"StartingPositionTimestamp":946684800,`,
		},
		memberCase{path: "Tags", with: `{"Tags":{"a":"b"}}`, shows: `"Tags":{"a":"b"}`, idle: []string{`{"Tags":{}}`, `{"Tags":null}`}},
		foreign("Topics", `["topic"]`), foreign("Queues", `["q"]`), foreign("SelfManagedEventSource", `{}`),
	)
	expectAllMembers(t, reflect.TypeFor[lambda.CreateEventSourceMappingRequest](), cases)
	synctest.Test(t, func(t *testing.T) {
		h, stop := openMappings(t)
		defer stop()
		playMembers(t, cases, func(with string) string {
			return exchange(t, h, "POST "+mappingsPath+"\n\n"+overlay(t, goodMapping, with))
		}, func(answer string) string {
			path, now := rested(t, h, answer)
			now += exchange(t, h, "GET /2017-03-31/tags/arn:aws:lambda:eu-west-1:123456789012:event-source-mapping:"+uuids.FindString(answer))
			exchange(t, h, "DELETE "+path)
			<-time.After(time.Second)
			synctest.Wait() // until nothing is left of it
			return now
		})
	})
}

// Facts: 1.2.2, 1.2.3, 1.2.11.
func TestUpdateEventSourceMappingMembers(t *testing.T) {
	cases := append(slices.Clone(mappingSettings), memberCase{path: "UUID", with: `{}`, shows: `"UUID":"`}) // stands in the path
	expectAllMembers(t, reflect.TypeFor[lambda.UpdateEventSourceMappingRequest](), cases)
	synctest.Test(t, func(t *testing.T) {
		h, stop := openMappings(t)
		defer stop()
		path, _ := rested(t, h, exchange(t, h, "POST "+mappingsPath+"\n\n"+goodMapping))
		playMembers(t, cases, func(with string) string {
			return exchange(t, h, "PUT "+path+"\n\n"+overlay(t, `{}`, with))
		}, func(answer string) string {
			_, now := rested(t, h, answer)
			return now
		})
	})
}
