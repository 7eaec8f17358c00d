package telemetry

import (
	"fmt"
	"slices"
	"strings"
)

// The protocols of OTLP that are spoken.
const (
	protocolHTTP = "http/protobuf"
	protocolGRPC = "grpc"
)

// signal is a kind of telemetry, as variables name it.
type signal string

const (
	traces  signal = "TRACES"
	metrics signal = "METRICS"
)

// protocol reads by which protocol a signal is exported; empty: not at all. It is
// where an exporter or an endpoint is named. An error tells of a value that means
// nothing here; the signal is then not exported
// (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables).
func (s signal) protocol(getenv func(string) string) (string, error) {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return "", nil
	}
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	name := "OTEL_" + string(s) + "_EXPORTER"
	switch exporters := strings.Split(strings.ReplaceAll(getenv(name), " ", ""), ","); {
	case slices.Equal(exporters, []string{""}):
		if getenv(endpoint) == "" && getenv("OTEL_EXPORTER_OTLP_"+string(s)+"_ENDPOINT") == "" {
			return "", nil
		}
	case slices.Equal(exporters, []string{"none"}):
		return "", nil
	case !slices.Equal(exporters, []string{"otlp"}):
		return "", fmt.Errorf("%s %q: want otlp or none", name, getenv(name))
	}
	name = "OTEL_EXPORTER_OTLP_" + string(s) + "_PROTOCOL"
	if getenv(name) == "" {
		name = "OTEL_EXPORTER_OTLP_PROTOCOL"
	}
	switch p := getenv(name); p {
	case "":
		return protocolHTTP, nil
	case protocolHTTP, protocolGRPC:
		return p, nil
	default:
		return "", fmt.Errorf("%s %q: want %s or %s", name, p, protocolHTTP, protocolGRPC)
	}
}
