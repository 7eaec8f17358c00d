package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"time"

	"github.com/spf13/pflag"
	"go.opentelemetry.io/otel/trace"

	"github.com/switchgear/switchgear/internal/admin"
	"github.com/switchgear/switchgear/internal/controller"
	"github.com/switchgear/switchgear/internal/gateway"
)

// The values of --circuits.
const (
	circuitsOn  = "on"
	circuitsOff = "off"
)

// gatewayFlags are what the gateway takes, in a cluster and standalone alike.
type gatewayFlags struct {
	listen, tlsCertFile, tlsKeyFile string
	defaultNamespace                string
	allowBackendCIDRs               []string
	allowPlaintextCredentials       bool
	maxBodyBytes, maxBufferedBytes  int64
	shutdownDelay, gracePeriod      time.Duration
	circuits                        string
	logLevel, logFormat             string
	accessLog                       string
	debugListen                     string
}

// add defines the flags. What differs between the commands is given: the
// defaults of --listen, --default-namespace and --shutdown-delay, and what else is
// to be said of the grace period.
func (g *gatewayFlags) add(f *pflag.FlagSet, listen, namespace string, delay time.Duration, graceNote string) {
	f.StringVar(&g.listen, "listen", listen, "address that the gateway serves on")
	f.StringVar(&g.tlsCertFile, "tls-cert-file", "", "certificate for the gateway's listener, in PEM; read again when it changes")
	f.StringVar(&g.tlsKeyFile, "tls-key-file", "", "key of that certificate, in PEM")
	f.StringVar(&g.defaultNamespace, "default-namespace", namespace, "namespace whose routes are served under plain /v1")
	addCIDRs(f, &g.allowBackendCIDRs)
	f.BoolVar(&g.allowPlaintextCredentials, "allow-plaintext-credentials", false, "send credentials to backends over plain http:// too")
	f.Int64Var(&g.maxBodyBytes, "max-body-bytes", gateway.DefaultMaxBodyBytes, "largest request body, in bytes")
	f.Int64Var(&g.maxBufferedBytes, "max-buffered-bytes", gateway.DefaultMaxBufferedBytes, "memory for all held request bodies and answers, in bytes")
	f.DurationVar(&g.shutdownDelay, "shutdown-delay", delay, "how long after SIGTERM new connections are taken, while those who send them here follow; readiness is red from the start")
	f.DurationVar(&g.gracePeriod, "grace-period", controller.DefaultGracePeriod, "how long running requests and streams may take to finish after SIGTERM"+graceNote)
	f.StringVar(&g.circuits, "circuits", circuitsOn, "on, or off: stop all enforcement in an emergency; circuits then decide and report, and refuse nothing")
	f.StringVar(&g.logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&g.logFormat, "log-format", "text", "text or json")
	f.StringVar(&g.accessLog, "access-log", defaultAccessLog, "off, all, or so many lines a second of requests that were answered well and as many of others: one line for each request, of level info")
	f.StringVar(&g.debugListen, "debug-listen", "", "loopback address for /debug/pprof/ and /debug/config; empty: off")
}

// validate looks at what no other part looks at.
func (g *gatewayFlags) validate() ([]netip.Prefix, error) {
	cidrs, err := parseCIDRs(g.allowBackendCIDRs)
	if err != nil {
		return nil, err
	}
	if (g.tlsCertFile == "") != (g.tlsKeyFile == "") {
		return nil, fmt.Errorf("--tls-cert-file and --tls-key-file belong together: give both or neither")
	}
	for name, n := range map[string]int64{"--max-body-bytes": g.maxBodyBytes, "--max-buffered-bytes": g.maxBufferedBytes} {
		if n <= 0 {
			return nil, fmt.Errorf("%s %d: want a number of bytes above 0", name, n)
		}
	}
	if g.circuits != circuitsOn && g.circuits != circuitsOff {
		return nil, fmt.Errorf("--circuits %q: want on or off", g.circuits)
	}
	if _, err := parseAccessLog(g.accessLog); err != nil {
		return nil, err
	}
	for name, d := range map[string]time.Duration{"--shutdown-delay": g.shutdownDelay, "--grace-period": g.gracePeriod} {
		if d < 0 {
			return nil, fmt.Errorf("%s %s: want 0 or more", name, d)
		}
	}
	if g.debugListen != "" {
		if err := checkLoopback(g.debugListen); err != nil {
			return nil, err
		}
	}
	return cidrs, nil
}

// newGateway returns the gateway that the flags describe, and its listener. The
// feed hears of its transitions and refusals, and so does onTransition of the
// former; the tracer, which may be nil, makes its spans.
func (g *gatewayFlags) newGateway(log *slog.Logger, cidrs []netip.Prefix, tracer trace.Tracer, feed *admin.Feed, onTransition func(gateway.Transition)) (*gateway.Gateway, *gateway.Server, error) {
	if g.circuits == circuitsOff {
		log.Warn("All enforcement is stopped: no circuit refuses anything", "flag", "--circuits=off")
	}
	accessLog, err := parseAccessLog(g.accessLog)
	if err != nil {
		return nil, nil, err
	}
	plane := gateway.New(gateway.Options{
		Logger:            log,
		DefaultNamespace:  g.defaultNamespace,
		MaxBodyBytes:      g.maxBodyBytes,
		MaxBufferedBytes:  g.maxBufferedBytes,
		AllowBackendCIDRs: cidrs,
		CircuitsOff:       g.circuits == circuitsOff,
		AccessLog:         accessLog,
		Tracer:            tracer,
		OnTransition: func(t gateway.Transition) {
			feed.OnTransition(t)
			onTransition(t)
		},
		OnRefusal: feed.OnRefusal,
	})
	server, err := gateway.NewServer(plane, gateway.ServerOptions{
		Listen: g.listen, TLSCertFile: g.tlsCertFile, TLSKeyFile: g.tlsKeyFile, Logger: log,
	})
	if err != nil {
		plane.Close()
		return nil, nil, fmt.Errorf("preparing the listener: %w", err)
	}
	return plane, server, nil
}

// defaultAccessLog shows every request of a quiet gateway and costs a busy one
// nothing.
const defaultAccessLog = "10"

// parseAccessLog reads how many lines a second the access log may have.
func parseAccessLog(s string) (int, error) {
	switch s {
	case "off":
		return 0, nil
	case "all":
		return gateway.AccessLogAll, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("--access-log %q: want off, all, or a number of lines a second", s)
	}
	return n, nil
}

func addCIDRs(f *pflag.FlagSet, cidrs *[]string) {
	f.StringArrayVar(cidrs, "allow-backend-cidr", nil, "network that backends may be in although it is loopback, link-local or the like; may be repeated")
}

func parseCIDRs(raw []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, r := range raw {
		p, err := netip.ParsePrefix(r)
		if err != nil {
			return nil, fmt.Errorf("--allow-backend-cidr %q: want a network such as 10.0.0.0/8", r)
		}
		out = append(out, p)
	}
	return out, nil
}
