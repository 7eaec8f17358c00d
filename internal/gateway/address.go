package gateway

import (
	"net/http"
	"strings"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// locate splits a path, still escaped, into the namespace that it addresses and
// the path within: /ns/team-a/v1/models is /v1/models of team-a, any other path
// is the default namespace's.
func (g *Gateway) locate(escaped string) (namespace, path string) {
	rest, ok := strings.CutPrefix(escaped, "/ns/")
	if !ok {
		return g.options.DefaultNamespace, escaped
	}
	namespace, _, _ = strings.Cut(rest, "/")
	return namespace, rest[len(namespace):]
}

// address finds out what a request is for, reads its body and picks its route.
func (x *exchange) address() *apiError {
	namespace, path := x.g.locate(x.r.URL.EscapedPath())
	ix := x.g.live.Load().namespaces[namespace]
	if ix == nil {
		ix = emptyIndex
	}
	if rest, ok := strings.CutPrefix(path, "/v1"); ok && (rest == "" || rest[0] == '/') {
		return x.addressModel(ix, namespace, rest)
	}
	return x.addressPath(ix, namespace, path)
}

func (x *exchange) addressModel(ix *index, namespace, path string) *apiError {
	x.endpoint = dialect.Lookup(path)
	if x.endpoint == nil {
		if strings.HasPrefix(path, "/messages/") {
			x.dialect = Anthropic
		}
		return &apiError{status: http.StatusNotFound, code: codeNoRoute,
			message: "the gateway serves nothing at /v1" + path}
	}
	x.dialect = x.endpoint.Dialect
	if x.r.Method != http.MethodPost {
		x.w.Header().Set("Allow", http.MethodPost)
		return &apiError{status: http.StatusMethodNotAllowed, code: codeMethodNotAllowed,
			message: "the method " + x.r.Method + " is not allowed here: want POST"}
	}
	if e := x.readBody(); e != nil {
		return e
	}
	var err error
	if x.request, err = dialect.ParseRequest(x.body); err != nil {
		return &apiError{status: http.StatusBadRequest, code: codeInvalidBody, message: err.Error()}
	}
	var ok bool
	if x.target, ok = ix.model(x.request.Model, x.r.Header); !ok {
		return &apiError{status: http.StatusNotFound, code: codeModelNotFound, param: "model",
			message: "no route of namespace " + namespace + " serves the model " + x.request.Model}
	}
	return nil
}

func (x *exchange) addressPath(ix *index, namespace, path string) *apiError {
	x.dialect = HTTP
	var ok bool
	if !hasDotSegments(x.r.URL.Path) {
		x.target, ok = ix.path(path, x.r.Header)
	}
	if !ok {
		return &apiError{status: http.StatusNotFound, code: codeNoRoute,
			message: "no route of namespace " + namespace + " serves this path"}
	}
	prefix := strings.TrimSuffix(x.target.route.Matches[x.target.match].Pattern, "/")
	x.rest = path[len(prefix):]
	return x.readBody()
}

// hasDotSegments reports whether a path goes up or stays: a provider that
// resolves it would serve what lies outside the route's URL.
func hasDotSegments(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
