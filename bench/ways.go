package main

// way is one way from the client to the provider.
type way struct {
	name  string
	model string // that is asked for
	// start starts what lies between; nil where nothing does.
	start func(upstream string) (*process, error)
	door  *door // where; nil: chat
}

// The ways are compared with the first two.
const (
	direct = iota
	bare
	ours
	oursResilient
)

const bareName = "bare ReverseProxy that reads the body first"

// newWays returns all ways that there are on this machine.
func newWays(p peers) []way {
	byRole := func(role string) func(string) (*process, error) {
		return func(upstream string) (*process, error) { return start(role, upstream) }
	}
	ways := []way{
		direct:        {"direct", plain, nil, nil},
		bare:          {bareName, plain, byRole("bareproxy"), nil},
		ours:          {"switchgear", plain, byRole("gateway"), nil},
		oursResilient: {"switchgear with retry, fallback and Resume", resilient, byRole("gateway"), nil},
	}
	if p.caddy != "" {
		ways = append(ways, way{"Caddy", plain, p.startCaddy, nil})
	}
	if p.nginx != "" {
		ways = append(ways, way{"nginx", plain, p.startNginx, nil})
	}
	return ways
}

// startWays starts each way's process, the provider's own for the direct one.
// stop ends all but that.
func startWays(ways []way, up *process) (processes []*process, stop func(), err error) {
	stop = func() {
		for _, p := range processes {
			if p != up {
				p.stop()
			}
		}
	}
	for _, w := range ways {
		p := up
		if w.start != nil {
			if p, err = w.start(up.url); err != nil {
				stop()
				return nil, nil, err
			}
		}
		processes = append(processes, p)
	}
	return processes, stop, nil
}

// interleave measures each of n subjects once a round, each round beginning
// with another, and returns the values of each.
func interleave[T any](rounds, n int, measure func(i int) (T, error)) ([][]T, error) {
	values := make([][]T, n)
	for round := range rounds {
		for k := range n {
			i := (round + k) % n
			v, err := measure(i)
			if err != nil {
				return nil, err
			}
			values[i] = append(values[i], v)
		}
	}
	return values, nil
}

// medians are those of one figure of each subject's values.
func medians[T any](values [][]T, figure func(T) float64) []float64 {
	out := make([]float64, len(values))
	for i, rounds := range values {
		var figures []float64
		for _, v := range rounds {
			figures = append(figures, figure(v))
		}
		out[i] = median(figures)
	}
	return out
}

func itself(v float64) float64 { return v }
