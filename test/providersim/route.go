package providersim

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// dialect is whose wire format an endpoint speaks.
type dialect int

const (
	dialectOpenAI dialect = iota
	dialectAnthropic
	dialectHTTP
)

// operation is what an endpoint does.
type operation int

const (
	opUnknown operation = iota
	opChat
	opCompletions
	opEmbeddings
	opResponses
	opModels
	opMessages
	opCountTokens
	opModerations
	opImages
	opSpeech
	opHearing
	opFiles
	opJobs
	opEcho
)

// endpoint is what a path stands for.
type endpoint struct {
	dialect dialect
	op      operation
	// method is the only one served; empty: any.
	method string
	// deployment is the model that an Azure-style path names.
	deployment string
	// below is the rest of a path that goes on, such as "/file-1/content".
	below string
}

var endpoints = map[string]endpoint{
	"/chat/completions": {op: opChat, method: http.MethodPost},
	"/completions":      {op: opCompletions, method: http.MethodPost},
	"/embeddings":       {op: opEmbeddings, method: http.MethodPost},
	"/responses":        {op: opResponses, method: http.MethodPost},
	"/models":           {op: opModels, method: http.MethodGet},
	"/messages":         {dialect: dialectAnthropic, op: opMessages, method: http.MethodPost},

	"/messages/count_tokens": {dialect: dialectAnthropic, op: opCountTokens, method: http.MethodPost},

	"/moderations":          {op: opModerations, method: http.MethodPost},
	"/images/generations":   {op: opImages, method: http.MethodPost},
	"/images/edits":         {op: opImages, method: http.MethodPost},
	"/images/variations":    {op: opImages, method: http.MethodPost},
	"/audio/speech":         {op: opSpeech, method: http.MethodPost},
	"/audio/transcriptions": {op: opHearing, method: http.MethodPost},
	"/audio/translations":   {op: opHearing, method: http.MethodPost},
	"/files":                {op: opFiles},
	"/batches":              {op: opJobs, method: http.MethodPost},
	"/fine_tuning/jobs":     {op: opJobs, method: http.MethodPost},
	"/messages/batches":     {dialect: dialectAnthropic, op: opJobs, method: http.MethodPost},
}

// find is the endpoint of a path below the version.
func find(rest string) endpoint {
	if below, ok := strings.CutPrefix(rest, "/files/"); ok {
		return endpoint{op: opFiles, below: "/" + below}
	}
	return endpoints[rest]
}

// route finds the endpoint of a path: under /v1, under /openai/v1 and
// /openai/deployments/<name> as Azure has them, or anything under /http/.
// Nothing else matches, so that a gateway that joins paths wrongly is seen.
func route(path string) endpoint {
	if path == "/http" || strings.HasPrefix(path, "/http/") {
		return endpoint{dialect: dialectHTTP, op: opEcho}
	}
	for _, prefix := range []string{"/v1", "/openai/v1"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			return find(rest)
		}
	}
	if rest, ok := strings.CutPrefix(path, "/openai/deployments/"); ok {
		deployment, rest, _ := strings.Cut(rest, "/")
		e := find("/" + rest)
		e.deployment = deployment
		return e
	}
	return endpoint{}
}

func (s *Sim) authorized(r *http.Request) bool {
	if s.options.APIKey == "" {
		return true
	}
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	for _, got := range []string{bearer, r.Header.Get("X-Api-Key"), r.Header.Get("Api-Key")} {
		if subtle.ConstantTimeCompare([]byte(got), []byte(s.options.APIKey)) == 1 {
			return true
		}
	}
	return false
}
