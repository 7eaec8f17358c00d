// Package telemetry sends traces and metrics to an OpenTelemetry collector, as
// the standard environment variables say. It owns the SDK and its exporters, and
// knows neither the gateway nor Kubernetes: the gateway makes spans with
// OpenTelemetry's API, and metrics are those of Prometheus.
package telemetry
