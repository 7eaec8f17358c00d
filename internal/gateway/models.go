package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// How many models a page in Anthropic's dialect has (docs.anthropic.com, "List
// Models").
const (
	defaultPage = 20
	longestPage = 1000
)

// listModels answers what models there are, or whether there is one: those that
// a request with the same headers would find a route for. No provider is asked.
func (x *exchange) listModels(ix *index, namespace, path string, anthropic bool) *apiError {
	if anthropic {
		x.dialect = Anthropic
	}
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead {
		return x.wrongMethod(http.MethodGet)
	}
	if id, one := strings.CutPrefix(path, "/models/"); one {
		return x.showModel(ix, namespace, id)
	}
	models := make([]dialect.Model, 0, len(ix.models))
	for _, id := range ix.models {
		if t, ok := pick(ix.exact[id], x.r.Header); ok {
			models = append(models, dialect.Model{ID: id, Owner: t.route.Name})
		}
	}
	if !anthropic {
		x.own = dialect.ModelList(models)
		return nil
	}
	page, more, e := pageOf(models, x.r.URL.Query())
	if e == nil {
		x.own = dialect.ModelPage(page, more)
	}
	return e
}

// showModel tells of one model, which may be one that only a pattern takes.
func (x *exchange) showModel(ix *index, namespace, escaped string) *apiError {
	id, err := url.PathUnescape(escaped)
	if err != nil || id == "" {
		return modelNotFound(namespace, escaped)
	}
	var ok bool
	if x.target, ok = ix.model(id, x.r.Header); !ok {
		return modelNotFound(namespace, id)
	}
	x.own = dialect.ModelBody(x.dialect, dialect.Model{ID: id, Owner: x.target.route.Name})
	return nil
}

// pageOf picks the page that a client of Anthropic's asks for: those after one
// model, or before another. More tells whether it goes on beyond.
func pageOf(models []dialect.Model, query url.Values) (page []dialect.Model, more bool, e *apiError) {
	limit := defaultPage
	if v := query.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > longestPage {
			return nil, false, &apiError{status: http.StatusBadRequest, code: codeInvalidQuery, param: "limit",
				message: "limit must be a number from 1 to " + strconv.Itoa(longestPage)}
		}
		limit = n
	}
	at := func(id string) (int, bool) {
		return slices.BinarySearchFunc(models, id, func(m dialect.Model, id string) int { return strings.Compare(m.ID, id) })
	}
	if id := query.Get("before_id"); id != "" {
		end, _ := at(id)
		return models[max(end-limit, 0):end], end > limit, nil
	}
	if id := query.Get("after_id"); id != "" {
		begin, found := at(id)
		if found {
			begin++
		}
		models = models[begin:]
	}
	return models[:min(limit, len(models))], len(models) > limit, nil
}

// tellOwn answers with what the gateway knows itself.
func (x *exchange) tellOwn() {
	h := x.w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(x.own))}
	x.w.WriteHeader(http.StatusOK)
	_ = x.client.write(x.own) // a client that has left needs no answer
}
