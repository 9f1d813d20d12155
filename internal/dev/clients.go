package dev

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go"

	"github.com/millrace/millrace/internal/sdkhttp"
	"github.com/millrace/millrace/server"
)

const (
	askEvery = 20 * time.Millisecond
	patience = 60 * time.Second
)

// clients speak to the server as anybody does.
type clients struct {
	account string
	kinesis *kinesis.Client
	api     sdkhttp.Caller
}

func newClients(house *server.Server, c server.Config) *clients {
	account := cmp.Or(c.Account, "000000000000")
	id, secret := house.RootKey()
	if id == "" {
		id, secret = account, "dev" // the account is known by its key, and the secret not asked for
	}
	api := sdkhttp.Caller{
		URL: house.URL(), Region: cmp.Or(c.Region, "us-east-1"), HTTP: sdkhttp.NewClient(),
		Credentials: aws.Credentials{AccessKeyID: id, SecretAccessKey: secret},
	}
	config := aws.Config{
		Region: api.Region, BaseEndpoint: &api.URL, HTTPClient: api.HTTP,
		Credentials: credentials.StaticCredentialsProvider{Value: api.Credentials},
	}
	return &clients{account: account, kinesis: kinesis.NewFromConfig(config), api: api}
}

// Where Lambda has its things.
const (
	functionsPath = "/2015-03-31/functions/"
	mappingsPath  = "/2015-03-31/event-source-mappings/"
	tagsPath      = "/2017-03-31/tags/"
)

func concurrencyPath(function string) string {
	return "/2017-10-31/functions/" + function + "/concurrency"
}

// lambda calls an operation of Lambda. Its name is put before an error.
func (c *clients) lambda(ctx context.Context, operation, method, path string, in, out any) error {
	if err := c.api.REST(ctx, "lambda", method, path, in, out); err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return nil
}

// refusal returns what the API says against a request, without the SDK's words around it.
func refusal(operation string, err error) error {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return fmt.Errorf("%s: %s: %s", operation, answer.ErrorCode(), answer.ErrorMessage())
	}
	return err
}

func isNotFound(err error) bool {
	var answer smithy.APIError
	return errors.As(err, &answer) && answer.ErrorCode() == "ResourceNotFoundException"
}

// until asks ready again and again, for as long as patience lasts.
func until(ctx context.Context, what string, ready func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		if ok, err := ready(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
}
