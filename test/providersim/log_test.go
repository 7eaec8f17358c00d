package providersim_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/switchgear/switchgear/test/providersim"
)

func TestRequestsAreLoggedAsReceived(t *testing.T) {
	s := providersim.Start(t, providersim.Options{Tokens: 3})
	r := request(t, t.Context(), s, http.MethodPost, chatPath+"?api-version=2", chatStream)
	r.Header.Set("Authorization", "Bearer secret")
	do(s.Client(), r)
	s.WaitRunning(0)
	got := s.Requests()
	if len(got) != 1 || got[0].Header.Get("Authorization") != "Bearer secret" || got[0].Time.IsZero() {
		t.Fatalf("got %+v", got)
	}
	want := providersim.Request{
		Proto: "HTTP/1.1", Method: "POST", Host: r.URL.Host, Path: chatPath, Query: map[string][]string{"api-version": {"2"}},
		Body: []byte(chatStream), BodyBytes: len(chatStream), Model: "gpt-x", Stream: true, Status: 200, Tokens: 3, Finished: true,
	}
	if diff := cmp.Diff(want, got[0], cmpopts.IgnoreFields(providersim.Request{}, "Time", "Header", "RemoteAddr")); diff != "" {
		t.Error(diff)
	}
}

func TestLogKeepsTheLastTenThousand(t *testing.T) {
	sim := providersim.New(providersim.Options{Tokens: 1})
	ask := func(path string) {
		sim.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	ask("/http/first")
	ask("/http/second")
	for range 9_999 {
		ask("/http/more")
	}
	got := sim.Requests()
	if len(got) != 10_000 || got[0].Path != "/http/second" || sim.Count() != 10_001 {
		t.Errorf("%d kept, first %s, %d counted", len(got), got[0].Path, sim.Count())
	}
	sim.ClearRequests()
	if len(sim.Requests()) != 0 || sim.Count() != 0 || sim.MaxRunning() != 0 {
		t.Errorf("%d kept, %d counted, %d at most", len(sim.Requests()), sim.Count(), sim.MaxRunning())
	}
}

func TestLogShortensLongBodies(t *testing.T) {
	sim := providersim.New(providersim.Options{})
	if err := sim.SetFault(providersim.Fault{Status: 413}); err != nil {
		t.Fatal(err)
	}
	body := `{"model":"m","input":"` + strings.Repeat("x", 2<<20)
	for range 70 {
		sim.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/v1/embeddings", strings.NewReader(body)))
	}
	got := sim.Requests()
	if len(got) != 64 || len(got[0].Body) != 1<<20 || got[0].BodyBytes != len(body) {
		t.Errorf("%d kept, %d of %d bytes", len(got), len(got[0].Body), got[0].BodyBytes)
	}
}

func TestFaultsForSomeRequestsOnly(t *testing.T) {
	s := providersim.Start(t, providersim.Options{})
	s.SetFault(
		providersim.Fault{Status: 500, Requests: 2},
		providersim.Fault{Status: 503, Requests: 1, Name: "last"},
		providersim.Fault{Status: 404, Model: "gone"},
	)
	want := []int{500, 500, 503, 200, 200}
	var got []int
	for range want {
		got = append(got, post(t, s, chatPath, chatBody).status)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if status := post(t, s, chatPath, `{"model":"gone"}`).status; status != 404 {
		t.Errorf("the model's own fault gave %d", status)
	}
	if left := s.Faults(); len(left) != 1 || left[0].Model != "gone" {
		t.Errorf("left %+v", left)
	}
	if name := s.Requests()[2].Fault; name != "last" {
		t.Errorf("logged as %q", name)
	}
}

func TestLimitedFaultsMeetExactlyThatManyAtOnce(t *testing.T) {
	s := providersim.Start(t, providersim.Options{})
	s.SetFault(providersim.Fault{Status: 500, Requests: 10})
	c := s.Client()
	var mu sync.Mutex
	counts := map[int]int{}
	var all sync.WaitGroup
	for range 40 {
		r := request(t, t.Context(), s, "POST", chatPath, chatBody)
		all.Go(func() {
			got := do(c, r).status
			mu.Lock()
			defer mu.Unlock()
			counts[got]++
		})
	}
	all.Wait()
	if diff := cmp.Diff(map[int]int{500: 10, 200: 30}, counts); diff != "" {
		t.Error(diff)
	}
}

func TestHTTP2WithItsOwnCA(t *testing.T) {
	s := providersim.Start(t, providersim.Options{HTTP2: true})
	if got := post(t, s, chatPath, chatStream); output(got.body) != s.Answer() || got.err != nil {
		t.Errorf("got %+v", got)
	}
	if r := s.Requests()[0]; r.Proto != "HTTP/2.0" || !strings.HasPrefix(s.URL, "https://") || len(s.CAPEM) == 0 {
		t.Errorf("%s, %s", r.Proto, s.URL)
	}
	if _, err := http.DefaultClient.Do(request(t, t.Context(), s, "POST", chatPath, chatBody)); err == nil {
		t.Error("a client that does not know the CA was content")
	}
}
