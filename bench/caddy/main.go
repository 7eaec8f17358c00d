// Command caddy is Caddy with the modules of a plain reverse proxy and no
// others, for the benchmarks. It is a module of its own, so that Caddy's
// dependencies stay out of theirs.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

func main() { caddycmd.Main() }
