package admin

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/internal/status"
)

// Options are what a handler is made with.
type Options struct {
	Source   Source
	Observer status.Observer
	// Feed is told the gateway's transitions and refusals.
	Feed *Feed
	// Resetter resets circuits on request. Nil in a cluster, where the resource
	// is the way.
	Resetter Resetter
	// Address is where the listener was asked to listen, such as
	// "127.0.0.1:8081". A host name in it is one by which it may be asked.
	Address string
}

// Resetter closes and zeroes circuits.
type Resetter interface {
	Reset(policyID string)
	ResetAll()
}

// Handler serves the admin listener's endpoints.
type Handler struct {
	statuses *statuses
	feed     *Feed
	resetter Resetter
	guarded  http.Handler
	changed  chan struct{}
	// stall is constant but in tests.
	stall time.Duration
}

// NewHandler returns a handler. Where no resource keeps the statuses, its
// caller runs Keep.
func NewHandler(o Options) *Handler {
	h := &Handler{
		statuses: newStatuses(o.Source, o.Observer, time.Now),
		feed:     o.Feed,
		resetter: o.Resetter,
		changed:  make(chan struct{}, 1),
		stall:    listenerStall,
	}
	mux := http.NewServeMux()
	read := func(f http.HandlerFunc) http.HandlerFunc { return allow(f, http.MethodGet, http.MethodHead) }
	mux.HandleFunc("/circuits", read(h.listCircuits))
	mux.HandleFunc("/circuits/{namespace}/{name}", read(h.getCircuit))
	mux.HandleFunc("/circuits/{namespace}/{name}/reset", allow(h.reset, http.MethodPost))
	mux.HandleFunc("/circuits/reset", allow(h.resetAll, http.MethodPost))
	mux.HandleFunc("/routes", read(h.listRoutes))
	mux.HandleFunc("/routes/{namespace}/{name}", read(h.getRoute))
	mux.HandleFunc("/events", read(h.serveEvents))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, "not_found", fmt.Sprintf("there is nothing at %s: want /circuits, /circuits/{namespace}/{name}, "+
			"/routes, /routes/{namespace}/{name} or /events", r.URL.Path))
	})
	h.guarded = newGuard(o.Address, mux)
	return h
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.guarded.ServeHTTP(w, r) }

func (h *Handler) listCircuits(w http.ResponseWriter, r *http.Request) {
	items, err := h.statuses.circuitItems(r.Context(), types.NamespacedName{})
	list(w, items, err)
}

func (h *Handler) getCircuit(w http.ResponseWriter, r *http.Request) {
	key := keyIn(r)
	items, err := h.statuses.circuitItems(r.Context(), key)
	one(w, "CircuitPolicy", "/circuits", key, items, err)
}

func (h *Handler) listRoutes(w http.ResponseWriter, r *http.Request) {
	items, err := h.statuses.routeItems(r.Context(), types.NamespacedName{})
	list(w, items, err)
}

func (h *Handler) getRoute(w http.ResponseWriter, r *http.Request) {
	key := keyIn(r)
	items, err := h.statuses.routeItems(r.Context(), key)
	one(w, "ProviderRoute", "/routes", key, items, err)
}

func keyIn(r *http.Request) types.NamespacedName {
	return types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
}

func list[T any](w http.ResponseWriter, items []T, err error) {
	if err != nil {
		failReading(w, err)
		return
	}
	respond(w, http.StatusOK, List[T]{items})
}

func one[T any](w http.ResponseWriter, kind, path string, key types.NamespacedName, items []T, err error) {
	switch {
	case err != nil:
		failReading(w, err)
	case len(items) == 0:
		fail(w, http.StatusNotFound, "not_found", fmt.Sprintf("there is no %s %s: GET %s lists those that are there", kind, key, path))
	default:
		respond(w, http.StatusOK, items[0])
	}
}

func failReading(w http.ResponseWriter, err error) {
	if errors.Is(err, ErrNotReady) {
		w.Header().Set("Retry-After", "1")
		fail(w, http.StatusServiceUnavailable, "not_ready", err.Error()+": /readyz says what is waited for")
		return
	}
	fail(w, http.StatusInternalServerError, "internal", err.Error())
}
