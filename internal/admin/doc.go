// Package admin is the admin listener: what the gateway knows of its circuits
// and routes as JSON, with the field names of the resources' status, and what
// happens to them as server-sent events. It owns the listener's endpoints and who
// may ask. The objects, what compiling made of them and what is observed come
// from whoever runs it, in a cluster or without one; it may not import them.
//
// Where to look: handler.go for the endpoints; guard.go for who is refused;
// statuses.go for what an item says; feed.go and stream.go for the events.
package admin
