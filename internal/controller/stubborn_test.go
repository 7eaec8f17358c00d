package controller

import (
	"context"
	"errors"
	"net/url"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
)

func TestAnInformerIsBackSoonAfterALongOutage(t *testing.T) {
	refused := &url.Error{Op: "Get", URL: "https://10.0.0.1", Err: syscall.ECONNREFUSED}
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "", errors.New("no"))
	for name, tc := range map[string]struct {
		err    error
		outage time.Duration
		asked  int // at least, and twice that at most
		want   error
	}{
		"no outage":              {nil, 0, 1, nil},
		"five minutes":           {refused, 5 * time.Minute, 150, nil},
		"an answer that says no": {forbidden, time.Hour, 1, forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun, asked := time.Now(), 0
				s := &stubborn{log: logr.Discard(), ListerWatcherWithContext: toolscache.ToListerWatcherWithContext(&toolscache.ListWatch{
					ListWithContextFunc: func(context.Context, metav1.ListOptions) (runtime.Object, error) {
						asked++
						if time.Since(begun) < tc.outage {
							return nil, tc.err
						}
						return &metav1.List{}, nil
					},
				})}
				list, err := s.ListWithContext(t.Context(), metav1.ListOptions{})
				if (list == nil) != (tc.want != nil) {
					t.Errorf("it listed %v", list)
				}
				if !errors.Is(err, tc.want) {
					t.Errorf("the error is %v, want %v", err, tc.want)
				}
				if late := time.Since(begun) - tc.outage; tc.want == nil && late > 2*stubbornRetry {
					t.Errorf("it was back %s after the outage", late)
				}
				if asked < tc.asked || asked > 2*tc.asked {
					t.Errorf("it asked %d times, want about %d", asked, tc.asked)
				}
			})
		})
	}
}

// TestAWatchThatIsOverBeforeItBeganIsNone: a proxy before the API server takes
// connections and breaks them.
func TestAWatchThatIsOverBeforeItBeganIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		fresh := watch.NewFake()
		s := &stubborn{log: logr.Discard(), ListerWatcherWithContext: toolscache.ToListerWatcherWithContext(&toolscache.ListWatch{
			WatchFuncWithContext: func(context.Context, metav1.ListOptions) (watch.Interface, error) {
				if time.Since(begun) < time.Minute {
					return watch.NewEmptyWatch(), nil
				}
				return fresh, nil
			},
		})}
		got, err := s.WatchWithContext(t.Context(), metav1.ListOptions{})
		if took := time.Since(begun); err != nil || got != fresh || took > time.Minute+2*stubbornRetry {
			t.Errorf("after %s it watches %T (%v)", took, got, err)
		}
	})
}

func TestAnInformerThatInsistsCanBeStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stubborn{log: logr.Discard(), ListerWatcherWithContext: toolscache.ToListerWatcherWithContext(&toolscache.ListWatch{
			ListWithContextFunc: func(context.Context, metav1.ListOptions) (runtime.Object, error) { return nil, syscall.ECONNREFUSED },
		})}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begun := time.Now()
		_, err := s.ListWithContext(ctx, metav1.ListOptions{})
		if took := time.Since(begun); err == nil || took != time.Minute {
			t.Errorf("stopped after a minute, it ended after %s with %v", took, err)
		}
	})
}
