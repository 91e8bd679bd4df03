package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	startPatience = 90 * time.Second
	checkInterval = time.Second
	checkTimeout  = 3 * time.Second
	// So many failed checks in a row, with PostgreSQL itself answering, mean that waiting will not help.
	failuresAllowed = 3
)

// serveThenWatch registers the namespace, says that the server is ready, and from then on asks it once a second for something that
// it has to read from its databases. A server that cannot, while PostgreSQL answers, has lost a database; it never recovers by
// itself, so the process ends and is started again on a fresh schema.
func serveThenWatch(opts *options, stores *stores) {
	connection, err := grpc.NewClient(fmt.Sprintf("127.0.0.1:%d", opts.port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		exit(exitFailed, err)
	}
	frontend := workflowservice.NewWorkflowServiceClient(connection)

	deadline := time.Now().Add(startPatience)
	for {
		err := registerNamespace(frontend, opts)
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			exit(exitFailed, fmt.Errorf("namespace %s could not be registered: %w", opts.namespace, err))
		}
		time.Sleep(50 * time.Millisecond)
	}
	fmt.Println("ready")

	for failures := 0; failures < failuresAllowed; time.Sleep(checkInterval) {
		if err = check(frontend, opts, stores); err == nil || !stores.reachable() {
			failures = 0
		} else {
			failures++
		}
	}
	exit(exitUnhealthy, fmt.Errorf("Temporal's databases are not usable any more: %w", err))
}

// registerNamespace succeeds when the namespace is there and the front end finds it.
func registerNamespace(frontend workflowservice.WorkflowServiceClient, opts *options) error {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	_, err := frontend.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        opts.namespace,
		WorkflowExecutionRetentionPeriod: durationpb.New(opts.retention),
	})
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return err
	}
	// Workers are refused until the namespace has reached the front end's cache, which a listing of workflows goes through.
	_, err = frontend.ListWorkflowExecutions(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: opts.namespace, PageSize: 1})
	return err
}

func check(frontend workflowservice.WorkflowServiceClient, opts *options, stores *stores) error {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	_, err := frontend.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: opts.namespace})
	if err != nil {
		return err
	}
	return stores.execute(visibilityDatabase, "SELECT 1 FROM executions_visibility LIMIT 1")
}

func exit(code int, err error) {
	fmt.Fprintln(os.Stderr, "temporal-server:", err)
	os.Exit(code)
}
