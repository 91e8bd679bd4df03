// Command temporal-server runs Temporal on one machine in one process, on the PostgreSQL of DATABASE_URL. It makes its databases,
// registers the namespace, prints "ready" on standard output, and exits when standard input closes (its supervisor is gone) or
// when its database is no longer what it was, so that the supervisor starts it on a fresh schema.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/temporal"
)

// Exit codes, so that the supervisor's log tells what happened.
const (
	exitFailed    = 1
	exitUsage     = 2
	exitUnhealthy = 3
)

// A stop that takes longer than this is cut short: workflows are durable, only connections are lost.
const stopPatience = 5 * time.Second

type options struct {
	databaseURL   string
	port          int
	internalPorts []int
	namespace     string
	retention     time.Duration
	logLevel      string
}

func main() {
	opts, err := parseOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitUsage)
	}
	logger := log.NewZapLogger(log.BuildZapLogger(log.Config{Level: opts.logLevel}))
	if err := run(opts, logger); err != nil {
		fmt.Fprintln(os.Stderr, "temporal-server:", err)
		os.Exit(exitFailed)
	}
}

func parseOptions(args []string) (*options, error) {
	opts := &options{databaseURL: os.Getenv("DATABASE_URL")}
	flags := flag.NewFlagSet("temporal-server", flag.ContinueOnError)
	flags.IntVar(&opts.port, "port", 7233, "port of the gRPC front end, on loopback")
	internal := flags.String("internal-ports", "", "seven free ports, separated by commas, for the services among themselves")
	flags.StringVar(&opts.namespace, "namespace", "default", "namespace to register")
	flags.DurationVar(&opts.retention, "retention", 72*time.Hour, "how long closed workflows are kept")
	flags.StringVar(&opts.logLevel, "log-level", "warn", "debug, info, warn or error")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if opts.databaseURL == "" {
		return nil, errors.New("set DATABASE_URL to a PostgreSQL connection string; it is not a flag, so that no process list shows it")
	}
	for _, text := range strings.Split(*internal, ",") {
		port, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("-internal-ports: %q is not a port", text)
		}
		opts.internalPorts = append(opts.internalPorts, port)
	}
	if len(opts.internalPorts) != 7 {
		return nil, fmt.Errorf("-internal-ports needs 7 ports, not %d", len(opts.internalPorts))
	}
	return opts, nil
}

func run(opts *options, logger log.Logger) error {
	interrupt := make(chan interface{}, 1)
	go stopWhenAsked(interrupt)

	stores, err := prepareStores(opts.databaseURL, logger)
	if err != nil {
		return err
	}
	server, err := temporal.NewServer(
		temporal.WithConfig(serverConfig(opts, stores)),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithLogger(logger),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithDynamicConfigClient(dynamicconfig.StaticClient{
			// One partition a task queue: on one machine more of them only cost pollers.
			dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
			dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
		}),
		temporal.InterruptOn(interrupt),
	)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	go serveThenWatch(opts, stores)
	return server.Start()
}

// stopWhenAsked stops the server on SIGTERM, SIGINT, or the end of standard input.
func stopWhenAsked(interrupt chan<- interface{}) {
	closed := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(closed)
	}()
	select {
	case <-closed:
	case <-temporal.InterruptCh():
	}
	interrupt <- os.Interrupt
	time.Sleep(stopPatience)
	os.Exit(0)
}
