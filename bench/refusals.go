package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// openingFailures are enough to open a circuit.
const openingFailures = 10

// refusals measures what a request costs whose first backend's circuit is open.
func refusals(ctx context.Context, rounds int) error {
	up, err := start("upstream", "")
	if err != nil {
		return err
	}
	defer up.stop()
	refuser, err := start("refuser", "")
	if err != nil {
		return err
	}
	defer refuser.stop()
	gateway, err := start("gateway", up.url)
	if err != nil {
		return err
	}
	defer gateway.stop()
	for _, model := range []string{broken, failingOver} {
		c := newAsker(gateway.url, model, 0)
		for range openingFailures {
			if _, err := c.ask(ctx); err != nil {
				return err
			}
		}
	}
	if err := refused(ctx, rounds, up, refuser, gateway); err != nil {
		return err
	}
	return fallenBack(ctx, rounds, gateway)
}

func refused(ctx context.Context, rounds int, up, refuser, gateway *process) error {
	before, err := calls(up)
	if err != nil {
		return err
	}
	clients := []*asker{
		newAsker(refuser.url, broken, http.StatusServiceUnavailable),
		newAsker(gateway.url, broken, http.StatusServiceUnavailable),
	}
	values, err := interleave(rounds, len(clients), func(i int) (float64, error) { return clients[i].p50(ctx) })
	if err != nil {
		return err
	}
	after, err := calls(up)
	if err != nil {
		return err
	}
	p50 := medians(values, itself)
	t := newTable("Open circuit, one client: p50", "who", "p50", "to the bare handler's", "calls that reached the provider")
	t.row("bare handler that reads the body and answers 503", micros(p50[0]), "1.00")
	t.row("switchgear, circuit open", micros(p50[1]), ratio(p50[1], p50[0]), fmt.Sprintf("%d of %d", after-before, rounds*latencyRequests))
	target("open circuit, calls that reach the provider", float64(after-before), 0, "")
	target("open circuit, p50", p50[1]/p50[0], 1.2, "× the bare handler's")
	return nil
}

func fallenBack(ctx context.Context, rounds int, gateway *process) error {
	clients := []*asker{newAsker(gateway.url, resilient, http.StatusOK), newAsker(gateway.url, failingOver, http.StatusOK)}
	values, err := interleave(rounds, len(clients), func(i int) (float64, error) { return clients[i].p50(ctx) })
	if err != nil {
		return err
	}
	p50 := medians(values, itself)
	t := newTable("Open circuit with a fallback, one client: p50", "who answers", "p50", "to the first's")
	t.row("the first backend, its circuit closed", micros(p50[0]), "1.00")
	t.row("the second, the first's circuit open", micros(p50[1]), ratio(p50[1], p50[0]))
	return nil
}

// calls is how many requests the simulated provider has had.
func calls(up *process) (int, error) {
	text, err := get(up.url + callsPath)
	if err != nil {
		return 0, err
	}
	var n int
	_, err = fmt.Sscan(text, &n)
	return n, err
}

func get(url string) (string, error) {
	resp, err := new(http.Client).Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	var b strings.Builder
	_, err = io.Copy(&b, resp.Body)
	return b.String(), err
}
