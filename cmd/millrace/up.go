package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/server"
)

func up(ctx context.Context, args []string, std stdio) error {
	fs := newFlags("up", `Starts the server and runs it until it is interrupted. Every flag can also be set in the environment (MILLRACE_DATA_DIR
for --data-dir) or in a file (--config); the command line wins over the environment, the environment over the file.`, std)
	finish := serverFlags(fs, std, "exact", slog.LevelInfo)
	if err := parse(fs, args); err != nil {
		return err
	}
	c, err := finish()
	if err != nil {
		return err
	}
	if !c.Memory && c.DataDir == "" {
		if c.DataDir, err = dataDir(); err != nil {
			return err
		}
	}
	s, err := server.New(c)
	if err != nil {
		return err
	}
	giveBackPages()
	return s.Run(ctx)
}

// serverFlags are the flags of a command that runs a server, with defaults that are the command's. What it returns makes the
// server's Config of them once they are parsed.
func serverFlags(fs *flag.FlagSet, std stdio, match string, level slog.Level) (finish func() (server.Config, error)) {
	var c server.Config
	fs.String("config", "", "`file` of settings: a flag's name and its value on each line")
	fs.StringVar(&c.Listen, "listen", "127.0.0.1:4566", "`address` to listen on; with --auth open on loopback only")
	fs.StringVar(&c.Auth, "auth", "", "`mode`: who may do what. open: everyone everything, whatever they sign with; signed: those with a known access key; iam: as their policies allow (default: open on loopback, iam elsewhere)")
	fs.BoolVar(&c.ExposeUnauthenticated, "expose-unauthenticated", false, "with --auth open, let everyone who can reach --listen do everything, also run code on this machine")
	fs.Var((*list)(&c.Accounts), "accounts", "further `accounts` that get an access key of their own with --auth signed or iam")
	fs.StringVar(&c.RootAccessKeyID, "root-access-key-id", "", "`id` of the access key of --account; without it one is made and written to the file credentials in --data-dir")
	fs.StringVar(&c.RootSecretAccessKey, "root-secret-access-key", "", "its `secret`; better given as MILLRACE_ROOT_SECRET_ACCESS_KEY")
	fs.Var((*list)(&c.TLSHosts), "tls-host", "further `name` or address that the TLS certificate is for, such as *.localhost.localstack.cloud; may be given again")
	fs.StringVar(&c.DataDir, "data-dir", "", "`folder` of the data (default: millrace in the user's data folder)")
	fs.BoolVar(&c.Memory, "memory", false, "keep everything in memory and forget it at the end")
	fs.StringVar(&c.Account, "account", "000000000000", "account of callers whose access key is not itself an account `id` of 12 digits")
	fs.StringVar(&c.Region, "region", "us-east-1", "`region` of callers whose credentials name none")
	fs.DurationVar(&c.TransitionDelay, "transition-delay", 0, "how long CREATING, Pending, Updating and such states last")
	fs.DurationVar(&c.StopGrace, "stop-grace", 10*time.Second, "how long a stop waits for invocations under way; those cut off are delivered again")
	fs.IntVar(&c.Concurrency, "concurrency", 1000, "function invocations at one time in an account; one more is throttled")
	fs.IntVar(&c.MaxInstances, "max-instances", 0, "function processes at one time on this machine, 0 for 16 a core")
	fs.DurationVar(&c.InstanceIdle, "instance-idle", 10*time.Minute, "how long an idle function process is kept warm")
	fs.StringVar(&c.RuntimeMatch, "runtime-match", match, "`exact`: python3.12 needs python3.12 on the PATH; nearest: takes the version that is there")
	fs.StringVar(&c.Freeze, "freeze", "auto", "`auto`: functions are stopped between invocations, as at AWS; off: timers and background work go on")
	fs.StringVar(&c.Isolation, "isolation", "auto", "`auto`: functions run in sandboxes where this machine allows it; required: refuse to start where it does not; off: never")
	fs.Var((*list)(&c.Shared), "share", "`folder` that isolated functions may read and write at the same path, or only read with :ro behind it; may be given again")
	fs.StringVar(&c.SQSEndpoint, "sqs-endpoint", "", "`URL` at which SQS lives instead of on this server, which sends there with the environment's credentials; off: there is none")
	fs.StringVar(&c.SNSEndpoint, "sns-endpoint", "", "`URL` of SNS, in the same way")
	fs.StringVar(&c.S3Endpoint, "s3-endpoint", "", "`URL` of S3, in the same way")
	fs.StringVar(&c.CloudWatchEndpoint, "cloudwatch-endpoint", "", "`URL` of CloudWatch, in the same way")
	fs.StringVar(&c.LogsEndpoint, "logs-endpoint", "", "`URL` of CloudWatch Logs, in the same way")
	fs.Var((*onOff)(&c.Forward), "forward", "`on`: clients' requests to these services are handed on to their URLs, signed with the environment's credentials; off: clients are told where they live")
	fs.Var((*onOff)(&c.RemoteCredentials), "remote-credentials", "`on`: functions whose MILLRACE_FUNCTION_URL is at AWS are invoked with the AWS credentials of the environment; off: they are refused")
	fs.Var((*onOff)(&c.ShardLimits), "shard-limits", "`on`: shards take and give no more than AWS's do, and throttle what is beyond; off: as much as this machine can")
	fs.Var((*onOff)(&c.AWSPacing), "aws-pacing", "`on`: event source mappings poll each shard once a second, within --shard-limits, as AWS's do; off: a put wakes them at once")
	fs.Var((*onOff)(&c.TestClock), "test-clock", "`on`: the server's time can be frozen and advanced at /_millrace/clock, for tests; off: it is the wall clock's")
	tail := fs.Int64("tail-bytes", 64<<20, "memory for the newest records of all shards, in `bytes`")
	logGroup := fs.Int64("log-group-bytes", 256<<20, "storage for the events of each log group, in `bytes`; the oldest make room")
	trails := fs.Int64("history-bytes", 16<<20, "memory for what befell recent batches of all mappings, in `bytes`; 0 keeps none")
	discarded := fs.Int("discarded-batches", 1000, "`number` of discarded batches that are kept of each mapping, with their records; 0 keeps none")
	discardedBytes := fs.Int64("discarded-bytes", 64<<20, "storage for the same, in `bytes`; 0 keeps none")
	fs.TextVar(&level, "log-level", level, "`level` of the log: debug, info, warn or error")
	format := fs.String("log-format", "text", "form of the log: text or json")
	return func() (server.Config, error) {
		c.TailBytes, c.LogGroupBytes = *tail, *logGroup
		c.HistoryBytes, c.DiscardedBatches, c.DiscardedBytes = orNone(*trails), orNone(*discarded), orNone(*discardedBytes)
		handler, err := logHandler(*format, level, std)
		if err != nil {
			return c, err
		}
		c.Log = slog.New(handler)
		return c, nil
	}
}

// orNone returns the number in the form of the server's Config, where 0 means the default and less than that none.
func orNone[T int | int64](n T) T {
	if n == 0 {
		return -1
	}
	return n
}

func logHandler(format string, level slog.Level, std stdio) (slog.Handler, error) {
	options := &slog.HandlerOptions{Level: level}
	switch format {
	case "text":
		return slog.NewTextHandler(std.err, options), nil
	case "json":
		return slog.NewJSONHandler(std.err, options), nil
	}
	return nil, &usageError{fmt.Errorf("log-format is text or json, not %q", format)}
}

// dataDir returns millrace's folder in the user's data folder: $XDG_DATA_HOME, or ~/.local/share.
func dataDir() (string, error) {
	base := os.Getenv("XDG_DATA_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", &usageError{fmt.Errorf("no home folder (%w): name one with --data-dir", err)}
		}
		base = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(base, "millrace"), nil
}
