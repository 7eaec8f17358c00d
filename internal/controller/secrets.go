package controller

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// secretRecheck is the usual SecretFinder.Recheck.
	secretRecheck = 20 * time.Second
	// secretReads bounds these questions, a second.
	secretReads = 10
)

// SecretFinder finds Secrets that the cache does not have because they lack the
// label. It asks the API server for their metadata alone, never their data.
type SecretFinder struct {
	// Recheck is how long to wait before asking about the same Secret again: one
	// without the label appears unseen.
	Recheck time.Duration

	live    client.Reader
	limiter *rate.Limiter
}

// NewSecretFinder returns a finder that reads past the cache.
func NewSecretFinder(live client.Reader) *SecretFinder {
	return &SecretFinder{Recheck: secretRecheck, live: live, limiter: rate.NewLimiter(secretReads, 5*secretReads)}
}

// Exists reports whether there is a Secret of that name. The second result is
// false when too much has been asked lately: ask again in a second.
func (f *SecretFinder) Exists(ctx context.Context, key types.NamespacedName) (exists, answered bool, err error) {
	if !f.limiter.Allow() {
		return false, false, nil
	}
	meta := &metav1.PartialObjectMetadata{}
	meta.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	err = f.live.Get(ctx, key, meta)
	switch {
	case err == nil:
		return true, true, nil
	case apierrors.IsNotFound(err):
		return false, true, nil
	default:
		return false, false, fmt.Errorf("looking for secret %s: %w", key, err)
	}
}
