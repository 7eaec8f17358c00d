package gateway

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestADrainWaitsUntilNobodyIsAboutToAsk(t *testing.T) {
	const s = time.Second
	type step struct {
		at    time.Duration
		conn  int
		state http.ConnState
	}
	for name, tc := range map[string]struct {
		before, during []step
		limit          time.Duration
		want           time.Duration
	}{
		"nobody is there":                      {nil, nil, time.Hour, 0},
		"quiet for long":                       {[]step{{0, 1, http.StateIdle}}, nil, time.Hour, 0},
		"quiet for a moment":                   {[]step{{5*s - s/4, 1, http.StateIdle}}, nil, time.Hour, lull - s/4},
		"just connected":                       {[]step{{5 * s, 1, http.StateNew}}, nil, time.Hour, lull},
		"a stream runs":                        {[]step{{0, 1, http.StateActive}}, []step{{3 * s, 1, http.StateIdle}}, time.Hour, 3*s + lull},
		"and its client asks once more":        {[]step{{0, 1, http.StateActive}}, []step{{3 * s, 1, http.StateIdle}, {3*s + 1, 1, http.StateActive}, {5 * s, 1, http.StateClosed}}, time.Hour, 5 * s},
		"one is quiet, the other is not":       {[]step{{0, 1, http.StateIdle}, {0, 2, http.StateActive}}, []step{{2 * s, 2, http.StateClosed}}, time.Hour, 2 * s},
		"a stream runs longer than the limit":  {[]step{{0, 1, http.StateActive}}, nil, 7 * s, 7 * s},
		"a connection is another's, hijacked":  {[]step{{0, 1, http.StateActive}, {1, 1, http.StateHijacked}}, nil, time.Hour, 0},
		"the last one leaves before the while": {[]step{{5 * s, 1, http.StateIdle}}, []step{{s / 2, 1, http.StateClosed}}, time.Hour, s / 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newConnections()
				conns := map[int]net.Conn{1: &net.TCPConn{}, 2: &net.UDPConn{}}
				for _, one := range tc.before {
					time.AfterFunc(one.at, func() { c.track(conns[one.conn], one.state) })
				}
				time.Sleep(5 * s)
				synctest.Wait()
				for _, one := range tc.during {
					time.AfterFunc(one.at, func() { c.track(conns[one.conn], one.state) })
				}
				ctx, cancel := context.WithTimeout(t.Context(), tc.limit)
				defer cancel()
				begun := time.Now()
				c.wait(ctx)
				if took := time.Since(begun); took != tc.want {
					t.Errorf("it waited %s, want %s", took, tc.want)
				}
			})
		})
	}
}
