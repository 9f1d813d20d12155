package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"runtime"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/millrace/millrace/internal/authority"
)

// Config is what a server is built from. The zero value of a field means its default.
type Config struct {
	// Listen is the address to listen on, by default 127.0.0.1:4566; port 0 takes a free one. In the mode AuthOpen only
	// loopback is accepted, unless ExposeUnauthenticated is set.
	Listen string
	// Auth is how callers are judged: AuthOpen (the default on loopback), AuthSigned or AuthIAM (the default elsewhere).
	Auth string
	// ExposeUnauthenticated lets everyone who can reach Listen do everything, in the mode AuthOpen: call functions, and so
	// run code on this machine.
	ExposeUnauthenticated bool
	// Accounts are accounts beside Account that get access keys of their own in the modes AuthSigned and AuthIAM.
	Accounts []string
	// RootAccessKeyID and RootSecretAccessKey are the access key of Account in these modes; without them one is made.
	RootAccessKeyID, RootSecretAccessKey string
	// TLSHosts are further names and addresses that the server's certificate is for, beside the loopback's and that of
	// Listen. A name may begin with a wildcard: *.localhost.localstack.cloud.
	TLSHosts []string
	// DataDir is the folder of the data; required unless Memory is set. One server at a time may use it.
	DataDir string
	// Memory keeps everything in memory and forgets it at the end.
	Memory bool

	// Account is the account of callers whose access key is not itself an account id, by default 000000000000.
	Account string
	// Region is the region of callers whose credentials name none, by default us-east-1.
	Region string

	// TransitionDelay is how long transitional states (CREATING, Pending, Updating …) last. 0 ends them at once, though
	// still after the answer that announces them.
	TransitionDelay time.Duration
	// StopGrace is how long Run waits at its end for invocations under way, by default 10 s.
	StopGrace time.Duration

	// Concurrency is how many invocations may run at one time in an account, by default 1000.
	Concurrency int
	// MaxInstances bounds the processes of functions on this machine, by default 16 a core. Functions elsewhere have none.
	MaxInstances int
	// InstanceIdle is how long an idle process is kept, by default 10 min.
	InstanceIdle time.Duration
	// RuntimeMatch is "exact" (the default) or "nearest": whether a python3.x or nodejs*.x function may run on another
	// version of the interpreter than it names.
	RuntimeMatch string
	// Freeze is "auto" (the default) or "off": whether the processes of a function are stopped between its invocations,
	// where the host allows it, or go on.
	Freeze string
	// Isolation is "auto" (the default), "required" or "off": whether functions run in sandboxes, where the host allows it,
	// or not at all where it does not.
	Isolation string
	// Shared are folders of this machine, by absolute paths, that isolated functions see at the same path and may write, or
	// only read when ":ro" follows.
	Shared []string
	// TailBytes is the memory for the newest records of all shards, by default 64 MiB.
	TailBytes int64

	// LogGroupBytes bounds the events that a log group keeps, by default 256 MiB: the oldest make room.
	LogGroupBytes int64

	// SQSEndpoint, SNSEndpoint, S3Endpoint, CloudWatchEndpoint and LogsEndpoint are the URLs of services that do not live
	// here, or Off for one that there is not. What this server itself sends to them (documents, notifications, what functions print, what is
	// measured) and reads of them (code) goes there, with the credentials of the environment. Clients are told so.
	SQSEndpoint, SNSEndpoint, S3Endpoint, CloudWatchEndpoint, LogsEndpoint string
	// Forward hands the requests of clients on to these URLs, signed with the credentials of the environment: whoever may call this
	// server can use them for that.
	Forward bool
	// RemoteCredentials lets functions that live at AWS's own Lambda be invoked with the credentials of the environment, as
	// AWS's tools find them. Whoever may create a function here can use them for that.
	RemoteCredentials bool
	// AWSPacing lets event source mappings poll each shard of a stream once a second, as AWS's do, instead of waking them
	// as records are put. With ShardLimits they share the shards' limits with all other readers.
	AWSPacing bool

	// ShardLimits limits the throughput of shards as AWS does: 1 MiB and 1000 records a second in, 2 MiB and 5 calls of
	// GetRecords a second out, 2 MiB a second to each consumer.
	ShardLimits bool

	// HistoryBytes is the memory for the trails of recent batches over all mappings, by default 16 MiB; a negative number
	// keeps none.
	HistoryBytes int64
	// DiscardedBatches and DiscardedBytes bound what is stored of each mapping's discarded batches with their records, by
	// default 1,000 and 64 MiB; a negative number of either keeps none.
	DiscardedBatches int
	DiscardedBytes   int64

	// Clock is the one clock of the domain, by default the wall clock.
	Clock clockwork.Clock
	// TestClock makes one, in place of Clock, that goes as the wall clock does and that clients freeze and advance at
	// /_millrace/clock. Signatures are judged by the wall clock then.
	TestClock bool
	// Log takes what the server has to say, by default nothing does.
	Log *slog.Logger
}

var accountID = regexp.MustCompile(`^\d{12}$`)

// withDefaults fills in the defaults and refuses what cannot be.
func (c Config) withDefaults() (Config, error) {
	setDefault(&c.Listen, "127.0.0.1:4566")
	if c.Auth == "" {
		if c.Auth = AuthOpen; checkListen(c.Listen) != nil && !c.ExposeUnauthenticated {
			c.Auth = AuthIAM
		}
	}
	setDefault(&c.Account, "000000000000")
	setDefault(&c.Region, "us-east-1")
	setDefault(&c.StopGrace, 10*time.Second)
	setDefault(&c.Concurrency, 1000)
	setDefault(&c.MaxInstances, 16*runtime.NumCPU())
	setDefault(&c.InstanceIdle, 10*time.Minute)
	setDefault(&c.RuntimeMatch, "exact")
	setDefault(&c.Isolation, "auto")
	setDefault(&c.Freeze, "auto")
	setDefault(&c.TailBytes, 64<<20)
	setDefault(&c.LogGroupBytes, 256<<20)
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	} else if c.TestClock {
		return c, errors.New("a clock and a test clock exclude each other")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, c.check()
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c Config) check() error {
	var wrong []error
	refuse := func(when bool, format string, a ...any) {
		if when {
			wrong = append(wrong, fmt.Errorf(format, a...))
		}
	}
	refuse(c.Memory && c.DataDir != "", "memory and a data folder exclude each other")
	refuse(!c.Memory && c.DataDir == "", "a data folder is needed, or memory")
	refuse(!accountID.MatchString(c.Account), "account %q does not have 12 digits", c.Account)
	refuse(c.TransitionDelay < 0, "transition delay %s is negative", c.TransitionDelay)
	refuse(c.StopGrace < 0, "stop grace %s is negative", c.StopGrace)
	refuse(c.Concurrency < 1, "concurrency %d is below 1", c.Concurrency)
	refuse(c.MaxInstances < 1, "max instances %d is below 1", c.MaxInstances)
	refuse(c.InstanceIdle < 0, "instance idle time %s is negative", c.InstanceIdle)
	refuse(c.TailBytes < 1<<20, "%d bytes of tail are below 1 MiB", c.TailBytes)
	refuse(c.LogGroupBytes < 1<<20, "%d bytes of a log group are below 1 MiB", c.LogGroupBytes)
	refuse(c.Freeze != "auto" && c.Freeze != "off", "freeze is auto or off, not %q", c.Freeze)
	refuse(c.RuntimeMatch != "exact" && c.RuntimeMatch != "nearest", "runtime match is exact or nearest, not %q", c.RuntimeMatch)
	refuse(c.Isolation != "auto" && c.Isolation != "required" && c.Isolation != "off", "isolation is auto, required or off, not %q", c.Isolation)
	for _, host := range c.TLSHosts {
		refuse(!authority.IsHost(host), "TLS host %q is neither a name nor an address", host)
	}
	for service, endpoint := range c.places() {
		u, err := url.Parse(endpoint)
		valid := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == ""
		refuse(endpoint != "" && endpoint != Off && !valid, "%s %q is neither a URL of http or https nor off", placeFlags[service], endpoint)
	}
	if err := c.checkAuth(); err != nil {
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

// checkAuth refuses to stand open to others, and keys that cannot be.
func (c Config) checkAuth() error {
	var wrong []error
	switch c.Auth {
	case AuthOpen, AuthSigned, AuthIAM:
	default:
		wrong = append(wrong, fmt.Errorf("auth is open, signed or iam, not %q", c.Auth))
	}
	if err := checkListen(c.Listen); err != nil && (c.Auth == AuthOpen && !c.ExposeUnauthenticated || !errors.Is(err, errNotLoopback)) {
		wrong = append(wrong, err)
	}
	for _, account := range c.Accounts {
		if !accountID.MatchString(account) {
			wrong = append(wrong, fmt.Errorf("account %q does not have 12 digits", account))
		}
	}
	id, secret := c.RootAccessKeyID, c.RootSecretAccessKey
	if (id == "") != (secret == "") || id != "" && (!accessKeyID.MatchString(id) || len(secret) < 16) {
		wrong = append(wrong, errors.New("a root access key is an id of 16 to 128 letters and digits that does not begin with ASIA, and a secret of 16 characters or more"))
	}
	return errors.Join(wrong...)
}

var accessKeyID = regexp.MustCompile(`^(?:[B-Z0-9]|A[A-RT-Z0-9]|AS[A-HJ-Z0-9])\w{13,125}$`)

// errNotLoopback says that others can reach an address.
var errNotLoopback = errors.New("is not loopback, and in the mode open everyone who reaches the server may do everything, also run code on this machine: " +
	"use signed or iam, or say that this is meant (--expose-unauthenticated)")

// checkListen is errNotLoopback for every address that another machine could reach.
func checkListen(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("listen address %q: %w", address, err)
	}
	if host == "localhost" {
		return nil
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("listen address %q %w", address, errNotLoopback)
}
