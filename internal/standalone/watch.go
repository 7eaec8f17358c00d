package standalone

import (
	"context"
	"maps"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long the files must have been left alone before they are
	// read: one save is several events, and an editor's may leave no file at all
	// in between.
	quiet = 100 * time.Millisecond
	// impatience bounds the wait where they are never left alone.
	impatience = 500 * time.Millisecond
	// poll is how often the files are read anyway, for what no event tells of,
	// such as a file on another machine.
	poll = 10 * time.Second
	// pollAlone is the same where there are no events.
	pollAlone = 500 * time.Millisecond
)

// Run watches the files until the context ends, and makes live what is good of
// each edit. Start must have succeeded.
func (s *Source) Run(ctx context.Context) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		s.log.Warn("The system gives no news of files: they are read again and again", "error", err.Error(), "every", pollAlone.String())
		loop(ctx, nil, nil, func() time.Duration {
			s.reload(ctx)
			return pollAlone
		})
		return
	}
	defer func() { _ = watcher.Close() }() // nothing is lost with it
	loop(ctx, watcher.Events, watcher.Errors, func() time.Duration { return s.watchAndReload(ctx, watcher) })
}

// loop reads at once, again when events have come and the files have been left
// alone since, and otherwise when read has asked for it.
func loop(ctx context.Context, events <-chan fsnotify.Event, errs <-chan error, read func() time.Duration) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var first time.Time // of the events since the last reading; zero: none
	stir := func() {
		if first.IsZero() {
			first = time.Now()
		}
		timer.Reset(min(quiet, max(0, impatience-time.Since(first))))
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			stir()
		case err := <-errs:
			if err != nil { // events are lost
				stir()
			}
		case <-timer.C:
			first = time.Time{}
			timer.Reset(read())
		}
	}
}

// watchAndReload asks for news of all folders in which a change matters, and
// then reads the files, so that no change falls in between. It returns when to
// come again if there is no news.
func (s *Source) watchAndReload(ctx context.Context, w *fsnotify.Watcher) time.Duration {
	next := poll
	folders := s.folders()
	for folder := range folders {
		// A folder that is watched already may be another one by now.
		if err := w.Add(folder); err != nil {
			s.log.Debug("A folder cannot be watched", "folder", folder, "error", err.Error())
			next = pollAlone
		}
	}
	s.reload(ctx)
	if !maps.Equal(folders, s.folders()) {
		return 0 // a link has come that leads elsewhere
	}
	return next
}

// folders are those of the paths and files, and those that links lead to.
func (s *Source) folders() map[string]bool {
	out := map[string]bool{}
	add := func(file string) {
		out[filepath.Dir(file)] = true
		if target, err := filepath.EvalSymlinks(file); err == nil {
			out[filepath.Dir(target)] = true
		}
	}
	for _, path := range s.options.Paths {
		path = filepath.Clean(path)
		add(path)
		if isFolder(path) {
			out[path] = true
		}
	}
	for file := range s.files {
		add(file)
	}
	return out
}
