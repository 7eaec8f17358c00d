package main

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// peers are the programs of others that are measured beside the bare proxy, as
// plain reverse proxies: connections kept on both sides, events passed on at
// once, no access log, a thread or a worker for each processor.
type peers struct {
	caddy, nginx string // paths; empty: there is none
	dir          string // for their configuration
	notes        []string
}

// findPeers builds Caddy from its module, and looks for nginx.
func findPeers(dir string) peers {
	p := peers{dir: dir}
	caddy, err := filepath.Abs("../bin/caddy")
	if err == nil {
		fmt.Fprintln(os.Stderr, "Building Caddy: some minutes the first time.")
		build := exec.Command("go", "build", "-C", "caddy", "-o", caddy, ".")
		build.Stderr = os.Stderr
		err = build.Run()
	}
	if err != nil {
		p.notes = append(p.notes, "Caddy could not be built, and is left out: "+err.Error()+".")
	} else {
		p.caddy = caddy
		p.notes = append(p.notes, "Caddy "+version(caddy, "version")+".")
	}
	// Debian's sbin is not everyone's.
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			p.nginx = path
			p.notes = append(p.notes, version(path, "-v")+".")
			return p
		}
	}
	p.notes = append(p.notes, "nginx is not installed (Debian: `apt-get install nginx-light`), and is left out.")
	return p
}

func version(program, flag string) string {
	out, _ := exec.Command(program, flag).CombinedOutput()
	words := strings.FieldsSeq(string(out))
	for w := range words {
		if strings.ContainsAny(w, "0123456789") {
			return w
		}
	}
	return "of an unknown version"
}

const caddyConfig = `{
  "admin": {"disabled": true, "config": {"persist": false}},
  "logging": {"logs": {"default": {"level": "ERROR"}}},
  "apps": {"http": {"servers": {"bench": {
    "listen": ["%s"],
    "automatic_https": {"disable": true},
    "routes": [{"handle": [{
      "handler": "reverse_proxy",
      "upstreams": [{"dial": "%s"}],
      "flush_interval": -1,
      "transport": {"protocol": "http", "compression": false, "keep_alive": {"max_idle_conns_per_host": 512}}
    }]}]
  }}}}
}
`

func (p peers) startCaddy(upstream string) (*process, error) {
	address, file, err := p.configure("caddy.json", caddyConfig, upstream)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(p.caddy, "run", "--config", file)
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+p.dir, "XDG_DATA_HOME="+p.dir)
	return launch("http://"+address, cmd)
}

const nginxConfig = `
daemon off;
worker_processes auto;
worker_rlimit_nofile 16384;
error_log stderr error;
pid nginx.pid;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path client; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  keepalive_requests 1000000;
  server {
    listen %s;
    location / {
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
  upstream provider { server %s; keepalive 512; keepalive_requests 1000000; }
}
`

func (p peers) startNginx(upstream string) (*process, error) {
	address, file, err := p.configure("nginx.conf", nginxConfig, upstream)
	if err != nil {
		return nil, err
	}
	return launch("http://"+address, exec.Command(p.nginx, "-p", p.dir, "-c", file, "-e", "stderr"))
}

// configure writes a configuration in which the address to serve at and that
// of the provider are filled in.
func (p peers) configure(name, config, upstream string) (address, file string, err error) {
	u, err := url.Parse(upstream)
	if err != nil {
		return "", "", err
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	address = free.Addr().String()
	if err := free.Close(); err != nil {
		return "", "", err
	}
	file = filepath.Join(p.dir, name)
	return address, file, os.WriteFile(file, fmt.Appendf(nil, config, address, u.Host), 0o600)
}
