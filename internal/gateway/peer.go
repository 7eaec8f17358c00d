package gateway

import (
	"net/url"
	"strconv"
	"strings"
)

// peer is who is called, in the words of OpenTelemetry's conventions.
type peer struct {
	provider string // gen_ai.provider.name
	address  string
	port     int
}

func peerOf(d Dialect, u *url.URL) peer {
	p := peer{provider: "openai", address: u.Hostname(), port: 443}
	if u.Scheme == "http" {
		p.port = 80
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		p.port = port
	}
	if d == Anthropic {
		p.provider = "anthropic"
	}
	for _, known := range providersByHost {
		if p.address == known.host || strings.HasSuffix(p.address, "."+known.host) {
			p.provider = known.name
		}
	}
	return p
}

// providersByHost are the well-known providers that speak one of the dialects at
// a host of their own. Whoever else speaks it counts as the one whose it is.
var providersByHost = [...]struct{ host, name string }{
	{"openai.azure.com", "azure.ai.openai"},
	{"services.ai.azure.com", "azure.ai.inference"},
	{"generativelanguage.googleapis.com", "gcp.gemini"},
	{"aiplatform.googleapis.com", "gcp.vertex_ai"},
	{"amazonaws.com", "aws.bedrock"},
	{"api.cohere.ai", "cohere"},
	{"api.deepseek.com", "deepseek"},
	{"api.groq.com", "groq"},
	{"api.mistral.ai", "mistral_ai"},
	{"api.moonshot.ai", "moonshot_ai"},
	{"api.perplexity.ai", "perplexity"},
	{"api.x.ai", "x_ai"},
}
