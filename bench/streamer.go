package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// plan says how many streams are opened over what time, and what each brings.
type plan struct {
	streams int
	over    time.Duration
	tokens  int
	every   time.Duration // 0: as fast as it goes
	door    *door         // nil: chat
}

// at is the plan at another door.
func (p plan) at(d *door) plan { p.door = d; return p }

// length is how long one stream takes.
func (p plan) length() time.Duration { return time.Duration(p.tokens-1) * p.every }

// flow is what became of the streams of one round.
type flow struct {
	whole  int
	atOnce int             // the most that ran at a time
	first  []time.Duration // from the request to the first token
	took   time.Duration
	lost   error // why the first that was lost was
}

// run opens the streams of a plan and reads them to their ends.
func (p plan) run(ctx context.Context, base, model string) flow {
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	if p.door == nil {
		p.door = chat
	}
	body := fmt.Sprintf(p.door.request, model, `"stream":true,`, prompt)
	var f flow
	var mu sync.Mutex
	running := 0
	begin := func(first time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		running++
		f.atOnce = max(f.atOnce, running)
		f.first = append(f.first, first)
	}
	end := func(begun bool, err error) {
		mu.Lock()
		defer mu.Unlock()
		if begun {
			running--
		}
		if err == nil {
			f.whole++
		} else if f.lost == nil {
			f.lost = err
		}
	}
	var wg sync.WaitGroup
	begun := time.Now()
	for i := range p.streams {
		wg.Go(func() {
			flows := false
			time.Sleep(time.Until(begun.Add(p.over * time.Duration(i) / time.Duration(p.streams))))
			err := p.read(ctx, client, base, body, func(d time.Duration) { flows = true; begin(d) })
			end(flows, err)
		})
	}
	wg.Wait()
	f.took = time.Since(begun)
	return f
}

var eventStart = []byte("data: ")

// read reads one stream, and tells when its first token came.
func (p plan) read(ctx context.Context, client *http.Client, base, body string, first func(time.Duration)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+p.door.path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(tokensHeader, strconv.Itoa(p.tokens))
	req.Header.Set(everyHeader, p.every.String())
	begun := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("a stream was answered %s", resp.Status)
	}
	tokens, done := 0, false
	lines := bufio.NewReader(resp.Body)
	for {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && done && tokens == p.tokens:
			return nil
		case err != nil:
			return fmt.Errorf("a stream ended after %d of %d tokens: %w", tokens, p.tokens, err)
		case bytes.HasPrefix(line, eventStart) && bytes.Contains(line, p.door.token):
			if tokens == 0 {
				first(time.Since(begun))
			}
			tokens++
		case bytes.Equal(line, p.door.end):
			done = true
		}
	}
}
