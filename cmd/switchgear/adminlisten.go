package main

import (
	"fmt"
	"net"
)

// listenForAdmin binds the admin listener's address at once; nil where it is off.
func listenForAdmin(flag, address string) (net.Listener, error) {
	if address == "" || address == "0" {
		return nil, nil
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("%s %q: want host:port, such as 127.0.0.1:8082, or 0 for none", flag, address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w; give another address, or 0 for none", flag, address, err)
	}
	return listener, nil
}
