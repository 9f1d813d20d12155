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
	"github.com/aws/aws-sdk-go-v2/service/lambda"
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
	lambda  *lambda.Client
}

func newClients(house *server.Server, c server.Config) *clients {
	account := cmp.Or(c.Account, "000000000000")
	id, secret := house.RootKey()
	if id == "" {
		id, secret = account, "dev" // the account is known by its key, and the secret not asked for
	}
	config := aws.Config{
		Region:       cmp.Or(c.Region, "us-east-1"),
		BaseEndpoint: aws.String(house.URL()),
		HTTPClient:   sdkhttp.NewClient(),
		Credentials:  credentials.NewStaticCredentialsProvider(id, secret, ""),
	}
	return &clients{account: account, kinesis: kinesis.NewFromConfig(config), lambda: lambda.NewFromConfig(config)}
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
