package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/openapi"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

const (
	// kindCheckEvery is how often it is asked whether the kinds are there.
	kindCheckEvery = time.Second
	// kindCheckTimeout is for one answer, which is some hundred KB.
	kindCheckTimeout = 10 * time.Second
)

// KindCheck keeps a process from being ready while the API server's kinds are
// older than the binary's: it would drop what they do not know, silently. Once
// they have been found good, that is the end of it: a process that serves keeps
// its clients.
type KindCheck struct {
	own    map[string]*schemaNode
	server openapi.Client
	reason atomic.Pointer[string] // why it is not ready; nil: it is
}

// NewKindCheck returns a check that has not asked yet.
func NewKindCheck(rc *rest.Config) (*KindCheck, error) {
	own, err := ownKinds()
	if err != nil {
		return nil, err
	}
	rc = rest.CopyConfig(rc)
	rc.Timeout = kindCheckTimeout
	d, err := discovery.NewDiscoveryClientForConfig(rc)
	if err != nil {
		return nil, fmt.Errorf("preparing to ask for the kinds: %w", err)
	}
	k := &KindCheck{own: own, server: d.OpenAPIV3()}
	k.wait("it is not known yet whether the CustomResourceDefinitions are those of this version")
	return k, nil
}

func (k *KindCheck) wait(reason string) { k.reason.Store(&reason) }

// Start asks until the kinds are good, or ctx ends.
func (k *KindCheck) Start(ctx context.Context) error {
	log := ctrl.LoggerFrom(ctx).WithName("kinds")
	tick := time.NewTicker(kindCheckEvery)
	defer tick.Stop()
	seen, said := "", ""
	for {
		lacks, err := k.look()
		switch {
		case apierrors.IsForbidden(err): // no reason not to serve
			log.Error(err, "Whether the CustomResourceDefinitions are those of this version cannot be learned; going on as if they were")
			fallthrough
		case err == nil && len(lacks) == 0:
			k.reason.Store(nil)
			return nil
		case err != nil:
			log.V(1).Info("Waiting to learn which kinds there are", "reason", err.Error()) // others say that nobody answers
		default:
			what := strings.Join(lacks, "; ")
			k.wait("the CustomResourceDefinitions are older than this binary: " + what)
			// Definitions that were installed just now take a moment to be published.
			if twice := what == seen; twice && what != said {
				said = what
				log.Error(errOldKinds, "The CustomResourceDefinitions are older than this binary; not ready until they are not", "lacking", what)
			}
			seen = what
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

var errOldKinds = errors.New("install those of this version: make install, or kubectl apply --server-side -k config/crd")

// NeedLeaderElection has the manager start the check on every replica.
func (*KindCheck) NeedLeaderElection() bool { return false }

// look returns what the API server's kinds lack.
func (k *KindCheck) look() ([]string, error) {
	paths, err := k.server.Paths()
	if err != nil {
		return nil, fmt.Errorf("asking which kinds there are: %w", err)
	}
	served := map[string]*schemaNode{}
	if group := paths["apis/"+v1alpha1.GroupVersion.String()]; group != nil {
		document, err := group.Schema("application/json")
		if err != nil {
			return nil, fmt.Errorf("asking for the kinds' schemas: %w", err)
		}
		if served, err = servedKinds(document); err != nil {
			return nil, err
		}
	}
	return lacking(k.own, served), nil
}

// check is the readiness check.
func (k *KindCheck) check(*http.Request) error {
	if reason := k.reason.Load(); reason != nil {
		return errors.New(*reason)
	}
	return nil
}

// onWatchError keeps quiet about a kind that is not there: KindCheck says so, once.
func onWatchError(ctx context.Context, r *toolscache.Reflector, err error) {
	if apierrors.IsNotFound(err) {
		ctrl.LoggerFrom(ctx).V(1).Info("A kind is not there", "reason", err.Error())
		return
	}
	toolscache.DefaultWatchErrorHandler(ctx, r, err)
}
