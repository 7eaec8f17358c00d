package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// checkLoopback returns an error unless the address can be reached from this
// machine alone.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--debug-listen %q: want host:port, such as 127.0.0.1:6060", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("--debug-listen %q: want a loopback address, such as 127.0.0.1:6060; use kubectl port-forward to reach it", address)
	}
	return nil
}

// newDebugServer returns the debug listener: profiles, and the live
// configuration without its credentials. It binds at once, and asks nobody who
// they are: the address must be one that checkLoopback lets pass.
func newDebugServer(address string, dump func() ([]byte, error)) (*manager.Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--debug-listen %q: %w", address, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/config", func(w http.ResponseWriter, _ *http.Request) {
		raw, err := dump()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(raw) // a client that has left needs no answer
	})
	// A profile that runs must not hold the end of the process up.
	soon := time.Second
	return &manager.Server{
		Name:            "debug",
		Server:          &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second},
		Listener:        listener,
		ShutdownTimeout: &soon,
	}, nil
}
