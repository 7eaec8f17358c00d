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
	anthropic := len(x.r.Header[headerAnthropicVersion]) > 0
	if path == "/models" || strings.HasPrefix(path, "/models/") {
		return x.listModels(ix, namespace, path, anthropic)
	}
	x.endpoint = dialect.Lookup(path)
	if x.endpoint == nil {
		return x.addressElsewhere(ix, namespace, path, anthropic)
	}
	x.dialect = x.endpoint.Dialect
	if x.r.Method != http.MethodPost {
		return x.wrongMethod(http.MethodPost)
	}
	if e := x.readBody(); e != nil {
		return e
	}
	var err error
	if x.request, err = x.endpoint.ParseRequest(strings.Join(x.r.Header["Content-Type"], ","), x.body); err != nil {
		return &apiError{status: http.StatusBadRequest, code: codeInvalidBody, message: err.Error()}
	}
	if x.request.Model == "" {
		return x.routeModelless(ix, namespace, "the request names no model")
	}
	var ok bool
	if x.target, ok = ix.model(x.request.Model, x.r.Header); !ok {
		return modelNotFound(namespace, x.request.Model)
	}
	return nil
}

// addressElsewhere is for what is no call of a model: it concerns the account that
// a provider's key belongs to.
func (x *exchange) addressElsewhere(ix *index, namespace, path string, anthropic bool) *apiError {
	x.endpoint = dialect.Elsewhere(path, anthropic)
	x.dialect = x.endpoint.Dialect
	if !isPlain(path, x.r.URL.Path) {
		return &apiError{status: http.StatusNotFound, code: codeNoRoute,
			message: "the gateway serves nothing at /v1" + path}
	}
	if e := x.routeModelless(ix, namespace, "/v1"+path+" is no call of a model"); e != nil {
		return e
	}
	return x.readBody()
}

// routeModelless picks a route that takes any model, and so also what has none. A
// model that a request happens to name elsewhere opens no other: whoever may call a
// model may not, for that, read the files of its account.
func (x *exchange) routeModelless(ix *index, namespace, why string) *apiError {
	var ok bool
	if x.target, ok = ix.model("", x.r.Header); !ok {
		return &apiError{status: http.StatusNotFound, code: codeNoRoute,
			message: why + ", and no route of namespace " + namespace + " has the pattern *, which takes such requests"}
	}
	return nil
}

func modelNotFound(namespace, model string) *apiError {
	return &apiError{status: http.StatusNotFound, code: codeModelNotFound, param: "model",
		message: "no route of namespace " + namespace + " serves the model " + model}
}

func (x *exchange) wrongMethod(want string) *apiError {
	x.w.Header().Set("Allow", want)
	return &apiError{status: http.StatusMethodNotAllowed, code: codeMethodNotAllowed,
		message: "the method " + x.r.Method + " is not allowed here: want " + want}
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

// isPlain reports whether a path below /v1, escaped and not, is one that a provider
// reads as it stands: without empty segments, and no others that mean another path.
func isPlain(escaped, path string) bool {
	return len(escaped) > 1 && !strings.Contains(escaped+"/", "//") && !hasDotSegments(path)
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
