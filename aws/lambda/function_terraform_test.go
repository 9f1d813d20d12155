package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// provider does what Terraform's provider does for functions, aliases, permissions and mappings, call by call. Each of its
// waiters is bounded, so that what would hang it fails here.
type provider struct {
	t      *testing.T
	ctx    context.Context
	client *sdk.Client
}

func newProvider(t *testing.T, handler http.Handler) *provider {
	return &provider{t: t, ctx: t.Context(), client: sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String("http://localhost:4566"), RetryMaxAttempts: 1, HTTPClient: direct{handler},
		Credentials: credentials.NewStaticCredentialsProvider("123456789012", "secret", ""),
	})}
}

func (p *provider) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// wait polls as the provider's waiters do: first after 5 s, then every 3 s, until done says so. What it was last told is
// the failure's text.
func (p *provider) wait(done func() (bool, string)) {
	p.t.Helper()
	<-time.After(5 * time.Second)
	said := ""
	for range 20 {
		var ok bool
		if ok, said = done(); ok {
			return
		}
		<-time.After(3 * time.Second)
	}
	p.t.Fatalf("a waiter hangs: %s", said)
}

func (p *provider) waitState(name string) {
	p.t.Helper()
	p.wait(func() (bool, string) {
		got, err := p.client.GetFunction(p.ctx, &sdk.GetFunctionInput{FunctionName: &name})
		p.must(err)
		return got.Configuration.State == types.StateActive, string(got.Configuration.State)
	})
}

func (p *provider) waitUpdate(name string) {
	p.t.Helper()
	p.wait(func() (bool, string) {
		got, err := p.client.GetFunction(p.ctx, &sdk.GetFunctionInput{FunctionName: &name})
		p.must(err)
		return got.Configuration.LastUpdateStatus == types.LastUpdateStatusSuccessful, string(got.Configuration.LastUpdateStatus)
	})
}

// publish makes a version and waits for it.
func (p *provider) publish(name string) string {
	p.t.Helper()
	published, err := p.client.PublishVersion(p.ctx, &sdk.PublishVersionInput{FunctionName: &name})
	p.must(err)
	p.wait(func() (bool, string) {
		got, err := p.client.GetFunctionConfiguration(p.ctx, &sdk.GetFunctionConfigurationInput{FunctionName: &name, Qualifier: published.Version})
		p.must(err)
		return got.LastUpdateStatus == types.LastUpdateStatusSuccessful, string(got.LastUpdateStatus)
	})
	return *published.Version
}

// read is the provider's read of a function: it returns the newest version, and what was got.
func (p *provider) read(name string) (newest string, got *sdk.GetFunctionOutput) {
	p.t.Helper()
	got, err := p.client.GetFunction(p.ctx, &sdk.GetFunctionInput{FunctionName: &name})
	p.must(err)
	if got.Code == nil || got.Code.Location == nil || got.Configuration == nil {
		p.t.Fatalf("a function without code counts as gone: %+v", got)
	}
	pages := sdk.NewListVersionsByFunctionPaginator(p.client, &sdk.ListVersionsByFunctionInput{FunctionName: &name, MaxItems: aws.Int32(10000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(p.ctx)
		p.must(err)
		newest = *page.Versions[len(page.Versions)-1].Version
	}
	signing, err := p.client.GetFunctionCodeSigningConfig(p.ctx, &sdk.GetFunctionCodeSigningConfigInput{FunctionName: &name})
	p.must(err)
	if aws.ToString(signing.CodeSigningConfigArn) != "" {
		p.t.Errorf("code signing: %s", *signing.CodeSigningConfigArn)
	}
	return newest, got
}

func TestTerraformFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler, stop := openMappings(t)
		defer stop()
		p := newProvider(t, handler)
		const name = "tf"
		p.createFunction(name)
		p.updateFunction(name)
		p.alias(name)
		p.provisioned(name)
		p.permission(name)
		p.url(name)
		p.events(name)
		p.noEnvironment(name)
		p.mapping(name)
		_, err := p.client.DeleteAlias(p.ctx, &sdk.DeleteAliasInput{FunctionName: aws.String(name), Name: aws.String("live")})
		p.must(err)
		_, err = p.client.DeleteFunction(p.ctx, &sdk.DeleteFunctionInput{FunctionName: aws.String(name)})
		p.must(err)
		p.wait(func() (bool, string) {
			_, err := p.client.GetFunction(p.ctx, &sdk.GetFunctionInput{FunctionName: aws.String(name)})
			return errors.As(err, new(*types.ResourceNotFoundException)), fmt.Sprint(err)
		})
	})
}

func (p *provider) createFunction(name string) {
	p.t.Helper()
	_, err := p.client.CreateFunction(p.ctx, &sdk.CreateFunctionInput{
		FunctionName: &name, Runtime: types.RuntimePython312, Handler: aws.String("main.echo"), Timeout: aws.Int32(3), MemorySize: aws.Int32(128),
		Role: aws.String("arn:aws:iam::123456789012:role/r"), Code: &types.FunctionCode{ZipFile: zipped(p.t, "one")}, Publish: true,
		PackageType: types.PackageTypeZip, Description: aws.String(""), Architectures: []types.Architecture{types.ArchitectureX8664},
		EphemeralStorage: &types.EphemeralStorage{Size: aws.Int32(512)}, TracingConfig: &types.TracingConfig{Mode: types.TracingModePassThrough},
		LoggingConfig: &types.LoggingConfig{LogFormat: types.LogFormatText, LogGroup: aws.String("/aws/lambda/" + name)},
		Tags:          map[string]string{"env": "test"},
	})
	p.must(err)
	p.waitState(name)
	_, err = p.client.PutFunctionConcurrency(p.ctx, &sdk.PutFunctionConcurrencyInput{FunctionName: &name, ReservedConcurrentExecutions: aws.Int32(10)})
	p.must(err)
	newest, got := p.read(name)
	if newest != "1" || *got.Concurrency.ReservedConcurrentExecutions != 10 || !maps.Equal(got.Tags, map[string]string{"env": "test"}) {
		p.t.Errorf("newest %s, %+v", newest, got)
	}
}

func (p *provider) updateFunction(name string) {
	p.t.Helper()
	_, before := p.read(name)
	arn := before.Configuration.FunctionArn
	_, err := p.client.TagResource(p.ctx, &sdk.TagResourceInput{Resource: arn, Tags: map[string]string{"team": "a"}})
	p.must(err)
	_, err = p.client.UntagResource(p.ctx, &sdk.UntagResourceInput{Resource: arn, TagKeys: []string{"env"}})
	p.must(err)
	_, err = p.client.UpdateFunctionConfiguration(p.ctx, &sdk.UpdateFunctionConfigurationInput{
		FunctionName: &name, Timeout: aws.Int32(9), Environment: &types.Environment{Variables: map[string]string{"A1": "b"}},
		LoggingConfig: &types.LoggingConfig{
			LogFormat: types.LogFormatJson, ApplicationLogLevel: types.ApplicationLogLevelWarn, SystemLogLevel: types.SystemLogLevelDebug,
			LogGroup: aws.String("/aws/lambda/" + name),
		},
	})
	p.must(err)
	p.waitUpdate(name)
	_, err = p.client.UpdateFunctionCode(p.ctx, &sdk.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: zipped(p.t, "two"), Architectures: []types.Architecture{types.ArchitectureX8664}})
	p.must(err)
	p.waitUpdate(name)
	_, err = p.client.DeleteFunctionConcurrency(p.ctx, &sdk.DeleteFunctionConcurrencyInput{FunctionName: &name})
	p.must(err)
	if version := p.publish(name); version != "2" {
		p.t.Errorf("published as %s", version)
	}
	newest, got := p.read(name)
	if newest != "2" || got.Concurrency != nil || *got.Configuration.Timeout != 9 || !maps.Equal(got.Tags, map[string]string{"team": "a"}) {
		p.t.Errorf("newest %s, %+v", newest, got)
	}
	if l := got.Configuration.LoggingConfig; l.LogFormat != types.LogFormatJson || l.ApplicationLogLevel != types.ApplicationLogLevelWarn || l.SystemLogLevel != types.SystemLogLevelDebug {
		p.t.Errorf("logging: %+v", l)
	}
	one, err := p.client.GetFunction(p.ctx, &sdk.GetFunctionInput{FunctionName: &name, Qualifier: aws.String("1")})
	p.must(err)
	if *one.Configuration.Timeout != 3 || *one.Configuration.CodeSha256 != *before.Configuration.CodeSha256 {
		p.t.Errorf("a version changed: %+v", one.Configuration)
	}
}

func (p *provider) alias(name string) {
	p.t.Helper()
	alias := aws.String("live")
	_, err := p.client.CreateAlias(p.ctx, &sdk.CreateAliasInput{
		FunctionName: &name, Name: alias, FunctionVersion: aws.String("1"), Description: aws.String(""),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.5}},
	})
	p.must(err)
	read := func() *sdk.GetAliasOutput {
		got, err := p.client.GetAlias(p.ctx, &sdk.GetAliasInput{FunctionName: &name, Name: alias})
		p.must(err)
		return got
	}
	if got := read(); got.RoutingConfig.AdditionalVersionWeights["2"] != 0.5 || *got.FunctionVersion != "1" {
		p.t.Errorf("%+v", got)
	}
	_, err = p.client.UpdateAlias(p.ctx, &sdk.UpdateAliasInput{
		FunctionName: &name, Name: alias, FunctionVersion: aws.String("2"), Description: aws.String("d"), RoutingConfig: &types.AliasRoutingConfiguration{},
	})
	p.must(err)
	if got := read(); got.RoutingConfig != nil || *got.FunctionVersion != "2" || *got.Description != "d" {
		p.t.Errorf("%+v", got)
	}
	_, err = p.client.GetAlias(p.ctx, &sdk.GetAliasInput{FunctionName: &name, Name: aws.String("none")})
	if !errors.As(err, new(*types.ResourceNotFoundException)) {
		p.t.Errorf("an alias that is gone: %v", err)
	}
	if _, err := p.client.GetProvisionedConcurrencyConfig(p.ctx, &sdk.GetProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: alias}); !errors.As(err, new(*types.ProvisionedConcurrencyConfigNotFoundException)) {
		p.t.Errorf("provisioned concurrency: %v", err)
	}
}

// provisioned puts, changes and deletes provisioned concurrency of the alias, as aws_lambda_provisioned_concurrency_config.
func (p *provider) provisioned(name string) {
	p.t.Helper()
	alias := aws.String("live")
	get := func() (*sdk.GetProvisionedConcurrencyConfigOutput, error) {
		return p.client.GetProvisionedConcurrencyConfig(p.ctx, &sdk.GetProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: alias})
	}
	for _, n := range []int32{2, 1} {
		_, err := p.client.PutProvisionedConcurrencyConfig(p.ctx, &sdk.PutProvisionedConcurrencyConfigInput{
			FunctionName: &name, Qualifier: alias, ProvisionedConcurrentExecutions: aws.Int32(n),
		})
		p.must(err)
		p.wait(func() (bool, string) {
			got, err := get()
			p.must(err)
			if got.Status == types.ProvisionedConcurrencyStatusEnumFailed {
				p.t.Fatal(*got.StatusReason)
			}
			return got.Status == types.ProvisionedConcurrencyStatusEnumReady, string(got.Status)
		})
		if got, err := get(); err != nil || *got.AllocatedProvisionedConcurrentExecutions != n || *got.RequestedProvisionedConcurrentExecutions != n {
			p.t.Errorf("%+v %v", got, err)
		}
	}
	_, err := p.client.DeleteProvisionedConcurrencyConfig(p.ctx, &sdk.DeleteProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: alias})
	p.must(err)
	if _, err := get(); !errors.As(err, new(*types.ProvisionedConcurrencyConfigNotFoundException)) {
		p.t.Errorf("what is deleted: %v", err)
	}
}

// url makes a function URL of the alias, changes it, takes its CORS away with an empty one, and deletes it, as aws_lambda_function_url.
func (p *provider) url(name string) {
	p.t.Helper()
	alias := aws.String("live")
	get := func() (*sdk.GetFunctionUrlConfigOutput, error) {
		return p.client.GetFunctionUrlConfig(p.ctx, &sdk.GetFunctionUrlConfigInput{FunctionName: &name, Qualifier: alias})
	}
	_, err := p.client.CreateFunctionUrlConfig(p.ctx, &sdk.CreateFunctionUrlConfigInput{
		FunctionName: &name, Qualifier: alias, AuthType: types.FunctionUrlAuthTypeAwsIam, InvokeMode: types.InvokeModeBuffered,
		Cors: &types.Cors{AllowOrigins: []string{"https://example.com"}, MaxAge: aws.Int32(60)},
	})
	p.must(err)
	_, err = p.client.UpdateFunctionUrlConfig(p.ctx, &sdk.UpdateFunctionUrlConfigInput{
		FunctionName: &name, Qualifier: alias, Cors: &types.Cors{}, InvokeMode: types.InvokeModeResponseStream,
	})
	p.must(err)
	if got, err := get(); err != nil || got.Cors != nil || got.InvokeMode != types.InvokeModeResponseStream || got.AuthType != types.FunctionUrlAuthTypeAwsIam {
		p.t.Errorf("%+v %v", got, err)
	}
	_, err = p.client.DeleteFunctionUrlConfig(p.ctx, &sdk.DeleteFunctionUrlConfigInput{FunctionName: &name, Qualifier: alias})
	p.must(err)
	if _, err := get(); !errors.As(err, new(*types.ResourceNotFoundException)) {
		p.t.Errorf("what is deleted: %v", err)
	}
}

// events puts the settings of asynchronous invocations, replaces them and deletes them, as
// aws_lambda_function_event_invoke_config.
func (p *provider) events(name string) {
	p.t.Helper()
	alias := aws.String("live")
	for n := range int32(2) {
		_, err := p.client.PutFunctionEventInvokeConfig(p.ctx, &sdk.PutFunctionEventInvokeConfigInput{
			FunctionName: &name, Qualifier: alias, MaximumRetryAttempts: aws.Int32(n), DestinationConfig: &types.DestinationConfig{},
		})
		p.must(err)
		got, err := p.client.GetFunctionEventInvokeConfig(p.ctx, &sdk.GetFunctionEventInvokeConfigInput{FunctionName: &name, Qualifier: alias})
		p.must(err)
		if *got.MaximumRetryAttempts != n || got.MaximumEventAgeInSeconds != nil {
			p.t.Errorf("%+v", got)
		}
	}
	_, err := p.client.DeleteFunctionEventInvokeConfig(p.ctx, &sdk.DeleteFunctionEventInvokeConfigInput{FunctionName: &name, Qualifier: alias})
	p.must(err)
	_, err = p.client.GetFunctionEventInvokeConfig(p.ctx, &sdk.GetFunctionEventInvokeConfigInput{FunctionName: &name, Qualifier: alias})
	if !errors.As(err, new(*types.ResourceNotFoundException)) {
		p.t.Errorf("what is deleted: %v", err)
	}
}

// noEnvironment takes the variables away: an Environment that stayed would be a difference at each plan.
func (p *provider) noEnvironment(name string) {
	p.t.Helper()
	_, err := p.client.UpdateFunctionConfiguration(p.ctx, &sdk.UpdateFunctionConfigurationInput{
		FunctionName: &name, Environment: &types.Environment{Variables: map[string]string{}},
	})
	p.must(err)
	p.waitUpdate(name)
	if _, got := p.read(name); got.Configuration.Environment != nil {
		p.t.Errorf("%+v", got.Configuration.Environment)
	}
}

// permission finds its statement in the policy, as the provider does, and finds it gone.
func (p *provider) permission(name string) {
	p.t.Helper()
	sids := func() (sids []string) {
		got, err := p.client.GetPolicy(p.ctx, &sdk.GetPolicyInput{FunctionName: &name, Qualifier: aws.String("live")})
		if errors.As(err, new(*types.ResourceNotFoundException)) {
			return nil
		}
		p.must(err)
		var policy struct {
			Version, Id string
			Statement   []struct {
				Sid, Effect, Action, Resource string
				Principal                     map[string]string
				Condition                     map[string]map[string]string
			}
		}
		p.must(json.Unmarshal([]byte(*got.Policy), &policy))
		for _, s := range policy.Statement {
			if s.Principal["Service"] != "events.amazonaws.com" || s.Condition["ArnLike"]["AWS:SourceArn"] == "" {
				p.t.Errorf("%+v", s)
			}
			sids = append(sids, s.Sid)
		}
		return sids
	}
	_, err := p.client.AddPermission(p.ctx, &sdk.AddPermissionInput{
		FunctionName: &name, Qualifier: aws.String("live"), StatementId: aws.String("rule"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("events.amazonaws.com"), SourceArn: aws.String("arn:aws:events:eu-west-1:123456789012:rule/r"),
	})
	p.must(err)
	if got := sids(); len(got) != 1 || got[0] != "rule" {
		p.t.Errorf("statements %v", got)
	}
	_, err = p.client.RemovePermission(p.ctx, &sdk.RemovePermissionInput{FunctionName: &name, Qualifier: aws.String("live"), StatementId: aws.String("rule")})
	p.must(err)
	if got := sids(); got != nil {
		p.t.Errorf("statements %v", got)
	}
}

// mapping leads an aws_lambda_event_source_mapping to the alias.
func (p *provider) mapping(name string) {
	p.t.Helper()
	m := &terraform{t: p.t, client: p.client}
	created, err := p.client.CreateEventSourceMapping(p.ctx, &sdk.CreateEventSourceMappingInput{
		EventSourceArn: aws.String(ordersARN), FunctionName: aws.String(name + ":live"), StartingPosition: types.EventSourcePositionLatest,
	})
	p.must(err)
	m.uuid = created.UUID
	got := m.waitFor(p.ctx, terraformPending, terraformSettled)
	if *got.FunctionArn != "arn:aws:lambda:eu-west-1:123456789012:function:"+name+":live" {
		p.t.Errorf("mapped to %s", *got.FunctionArn)
	}
	m.expectTags(p.ctx, got, map[string]string{})
	m.destroy(p.ctx)
}
