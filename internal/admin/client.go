package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// ErrNoAdmin means that nobody answers as an admin listener would.
var ErrNoAdmin = errors.New("no admin listener answers")

// clientTimeout bounds a whole answer.
const clientTimeout = 30 * time.Second

// Get asks the admin listener at a base URL, such as "http://127.0.0.1:8081",
// for what is at a path. What the listener refuses is an error with its message.
func Get(ctx context.Context, base, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(base, "/")+path, nil)
	if err != nil {
		return nil, fmt.Errorf("asking the admin listener: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // loopback: through no proxy
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w", ErrNoAdmin, base, err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the admin listener's answer: %w", err)
	}
	if resp.StatusCode == http.StatusOK && json.Valid(body) {
		return body, nil
	}
	var refused ErrorBody
	if err := json.Unmarshal(body, &refused); err != nil || refused.Error.Message == "" {
		return nil, fmt.Errorf("%w at %s: it is something else that answers %s", ErrNoAdmin, base, resp.Status)
	}
	return nil, errors.New(refused.Error.Message)
}
