package v1alpha1

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a length of time in the form of Gateway API: up to four numbers
// of up to five digits, each with a unit of h, m, s or ms, such as "30s",
// "1h30m" or "500ms".
//
// +kubebuilder:validation:MaxLength=28
// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
type Duration string

// Duration parses the value. What the API server has admitted always parses; a
// value that did not pass it may give an error.
func (d Duration) Duration() (time.Duration, error) {
	v, err := time.ParseDuration(string(d))
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 30s, 1h30m or 500ms", string(d))
	}
	return v, nil
}

// DurationOf writes a length of time in the API's form, such as "1m30s". It is
// exact to the millisecond; what is finer is cut off.
func DurationOf(v time.Duration) Duration {
	if v <= 0 {
		return "0s"
	}
	var out strings.Builder
	for _, u := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if n := v / u.length; n > 0 {
			fmt.Fprintf(&out, "%d%s", n, u.name)
			v -= n * u.length
		}
	}
	if out.Len() == 0 {
		return "0s"
	}
	return Duration(out.String())
}
