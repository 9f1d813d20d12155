package server

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/function/remote"
)

// newExecutor returns what runs functions, wherever they live.
func newExecutor(c Config, here function.Executor) (function.Executor, error) {
	there := remote.Config{Here: here}
	if c.RemoteCredentials {
		options, err := config.LoadDefaultConfig(context.Background(), config.WithRegion(c.Region))
		if err != nil {
			return nil, fmt.Errorf("credentials for functions elsewhere: %w", err)
		}
		there.Credentials = options.Credentials
	}
	return remote.New(there), nil
}
