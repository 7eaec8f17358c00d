package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/switchgear/switchgear/internal/telemetry"
)

// startTelemetry exports traces, and what is registered, where the environment
// says to whom.
func startTelemetry(ctx context.Context, log *slog.Logger, registered prometheus.Gatherer) (*telemetry.Telemetry, error) {
	t, err := telemetry.Start(ctx, telemetry.Options{Logger: log, Version: buildVersion().Version, Metrics: registered})
	if err != nil {
		return nil, fmt.Errorf("reading the OTEL_ variables: %w", err)
	}
	return t, nil
}
