package controller

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/internal/fleet"
)

// reader has at most one object.
type reader struct {
	client.Reader
	object func() *unstructured.Unstructured // nil: none
	fail   error
}

func (r *reader) Get(_ context.Context, key client.ObjectKey, o client.Object, _ ...client.GetOption) error {
	if r.fail != nil {
		return r.fail
	}
	if r.object == nil {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "gatewayreplicas"}, key.Name)
	}
	r.object().DeepCopyInto(o.(*unstructured.Unstructured))
	return nil
}

// foreign is a report of another process, in a version.
func foreign(version int, owner types.UID) *unstructured.Unstructured {
	o := newReplica("ns", "r")
	o.SetResourceVersion(strconv.Itoa(version))
	o.Object["status"] = map[string]any{"instance": "another"}
	if owner != "" {
		o.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "r", UID: owner}})
	}
	return o
}

func TestANameBelongsToOneProcess(t *testing.T) {
	kindIsMissing := &apierrors.StatusError{ErrStatus: metav1.Status{
		Reason: metav1.StatusReasonNotFound, Code: 404,
		Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Type: metav1.CauseTypeUnexpectedServerResponse, Message: "404 page not found"}}},
	}}
	for name, tc := range map[string]struct {
		pod    types.UID
		object func(after time.Duration) *unstructured.Unstructured
		fail   error
		after  time.Duration // until it is decided; 0: at once
		want   string        // in the error
		waits  bool          // for ever
	}{
		"nobody has it":                             {},
		"another is alive":                          {object: func(d time.Duration) *unstructured.Unstructured { return foreign(int(d/fleet.Heartbeat), "other") }, after: fleet.Heartbeat, want: `another process, instance another, reports as replica "r": give each replica a name of its own with --replica-name`},
		"another was alive":                         {object: func(time.Duration) *unstructured.Unstructured { return foreign(1, "other") }, after: nameCheckFor + nameCheckEvery},
		"the container before, in the same Pod":     {pod: "own", object: func(time.Duration) *unstructured.Unstructured { return foreign(1, "own") }},
		"another without a Pod, and neither has it": {object: func(time.Duration) *unstructured.Unstructured { return foreign(1, "") }, after: nameCheckFor + nameCheckEvery},
		"it may not be read":                        {fail: apierrors.NewForbidden(schema.GroupResource{Resource: "gatewayreplicas"}, "r", errors.New("no"))},
		"the kind is not installed":                 {fail: kindIsMissing, waits: true},
		"the API server is gone":                    {fail: errors.New("connection refused"), waits: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				live := &reader{fail: tc.fail}
				if tc.object != nil {
					live.object = func() *unstructured.Unstructured { return tc.object(time.Since(begun)) }
				}
				r := NewReporter(ReplicaOptions{Name: "r", Namespace: "ns", PodUID: tc.pod})
				r.Live = live
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				err := r.admit(ctx)
				took := time.Since(begun)
				select {
				case <-r.admitted:
					if tc.want != "" || tc.waits {
						t.Error("it was admitted")
					}
				default:
					if tc.want == "" && !tc.waits {
						t.Errorf("it was not admitted: %v", err)
					}
				}
				if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
					t.Errorf("the error is %v, want %q", err, tc.want)
				}
				if want := tc.after; !tc.waits && took != want {
					t.Errorf("it was decided after %s, want %s", took, want)
				}
			})
		})
	}
}

func TestASecondReplicaOfTheNameDoesNotStart(t *testing.T) {
	op := startOperator(t)
	p := op.settledPolicy(t, "openai")
	instance := op.replica(t, op.name).Status.Instance
	second := startReplicaThatMayFail(t, op.Client, op.namespace, op.name)
	waitFor(t, "the second to look", func() error { return get(second.readyz, 500) })
	op.open(p, "5 consecutive failures") // a sign of life before the next heartbeat
	select {
	case err := <-second.ended:
		if err == nil || !strings.Contains(err.Error(), "give each replica a name of its own") {
			t.Errorf("it ended with %v", err)
		}
	case <-second.listener.listening:
		t.Error("the second serves")
	case <-time.After(2 * nameCheckFor):
		t.Error("the second waits on and on")
	}
	if now := op.replica(t, op.name); now == nil || now.Status.Instance != instance {
		t.Errorf("the report is now %+v", now)
	}
}
