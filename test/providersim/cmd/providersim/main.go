// Command providersim runs a simulated LLM provider until it is interrupted.
// Its first line on stdout says where it listens.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/switchgear/switchgear/test/providersim"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "providersim: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var o providersim.Options
	flags := flag.NewFlagSet("providersim", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0", "address to listen on; port 0 takes a free one")
	flags.StringVar(&o.Name, "name", "sim", "name of the provider, which stands in every answer")
	flags.IntVar(&o.Tokens, "tokens", 8, "tokens in an answer")
	flags.DurationVar(&o.Latency, "latency", 0, "time before the headers of every answer")
	flags.DurationVar(&o.TokenDelay, "token-delay", 0, "time between the tokens of every stream")
	flags.StringVar(&o.APIKey, "api-key", "", "credential that every request has to bring; empty: none")
	flags.BoolVar(&o.TLS, "tls", false, "serve HTTPS, with a certificate made for the occasion")
	flags.BoolVar(&o.HTTP2, "http2", false, "offer HTTP/2; implies --tls")
	caFile := flags.String("ca-file", "", "file to write the CA's certificate to, with --tls")
	flags.SetOutput(io.Discard)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
		return nil
	case err != nil:
		return fmt.Errorf("%w; see --help", err)
	case flags.NArg() > 0:
		return fmt.Errorf("%q is not a flag; see --help", flags.Arg(0))
	case o.Tokens < 1:
		return fmt.Errorf("--tokens: want 1 or more, got %d", o.Tokens)
	case *caFile != "" && !o.TLS && !o.HTTP2:
		return errors.New("--ca-file: there is no CA without --tls or --http2")
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	in, err := providersim.Listen(*listen, o)
	if err != nil {
		return err
	}
	if *caFile != "" {
		if err := os.WriteFile(*caFile, in.CAPEM, 0o600); err != nil {
			return fmt.Errorf("writing the CA's certificate: %w", err)
		}
	}
	fmt.Printf("listening on %s\n", in.URL)
	<-ctx.Done()
	return in.Close()
}
