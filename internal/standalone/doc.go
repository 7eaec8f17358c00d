// Package standalone makes the gateway's configuration from YAML files in place
// of an API server: the same kinds, judged by the same schemas and rules, through
// the same compile. It owns what the API server would otherwise do (admission,
// UIDs and generations), the Secrets of files, and the watch on the files.
//
// It knows the gateway by its snapshot alone and talks to no API server.
//
// Where to look: paths.go for which files are read; document.go, lines.go and
// object.go for how a file becomes objects and where in it a problem is;
// secret.go and expand.go for Secrets and the environment; assemble.go for what
// takes more than one file; reload.go for what goes live of an edit; ledger.go
// for the identity of objects; watch.go for when.
package standalone
