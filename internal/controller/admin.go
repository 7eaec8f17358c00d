package controller

import (
	"context"
	"fmt"
	"net"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/admin"
	"github.com/switchgear/switchgear/internal/status"
)

// AdminOptions are those of the admin listener.
type AdminOptions struct {
	// Listener is bound already; nil: there is no admin listener.
	Listener net.Listener
	// Address is where it was asked to listen.
	Address string
	// Feed is told the gateway's transitions and refusals.
	Feed *admin.Feed
}

// addAdmin has the manager run the admin listener, on every replica. It goes on
// answering while the gateway drains, and its event streams end with it.
func (a *assembly) addAdmin(observer status.Observer) error {
	o := a.options.Admin
	if o.Listener == nil {
		return nil
	}
	source := &adminSource{reader: a.GetClient(), store: a.store}
	handler := admin.NewHandler(admin.Options{
		Source: source.objects, Observer: observer, Feed: o.Feed, Address: o.Address,
	})
	soon := time.Second
	err := a.Add(&manager.Server{
		Name:            "admin",
		Server:          admin.NewServer(handler, o.Feed),
		Listener:        o.Listener,
		ShutdownTimeout: &soon,
	})
	if err != nil {
		return fmt.Errorf("adding the admin listener: %w", err)
	}
	return nil
}

// adminSource gives the admin listener the objects in the cache, with the status
// that the leader has written to them.
type adminSource struct {
	reader client.Reader // the cache
	store  *Store
}

func (s *adminSource) objects(ctx context.Context) (admin.Objects, error) {
	var (
		policies v1alpha1.CircuitPolicyList
		routes   v1alpha1.ProviderRouteList
		out      admin.Objects
	)
	compiled := s.store.Load()
	if compiled == nil {
		return out, admin.ErrNotReady // the caches may not have synced, and would be waited for
	}
	if err := s.reader.List(ctx, &policies, client.UnsafeDisableDeepCopy); err != nil {
		return out, fmt.Errorf("listing circuit policies: %w", err)
	}
	if err := s.reader.List(ctx, &routes, client.UnsafeDisableDeepCopy); err != nil {
		return out, fmt.Errorf("listing provider routes: %w", err)
	}
	for _, p := range pointers(policies.Items) {
		result, seen := compiled.policy(p)
		out.Policies = append(out.Policies, admin.Policy{Object: p, Result: result, LastReset: seen.Reset})
	}
	for _, r := range pointers(routes.Items) {
		one := admin.Route{Object: r}
		if one.Result, _ = compiled.route(r); one.Result != nil {
			one.Problems = status.RefineAsTold(r, one.Result)
		}
		out.Routes = append(out.Routes, one)
	}
	return out, nil
}
