#!/usr/bin/env bash
# Builds kube-apiserver, kubectl and etcd from source into bin/k8s. It does
# nothing when they are there already, for this go.mod and this Go.
set -euo pipefail
cd "$(dirname "$0")"
out=$(cd ../.. && pwd)/bin/k8s
mkdir -p "$out"
exec 9>"$out/.lock"
flock 9
want="$(cat go.mod go.sum | sha256sum | cut -d' ' -f1) $(go env GOVERSION GOOS GOARCH | tr '\n' ' ')"
if [ -f "$out/.stamp" ] && [ "$(cat "$out/.stamp")" = "$want" ]; then
	exit 0
fi
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=${version#v1.}
x=k8s.io/component-base/version
echo "Building kube-apiserver, kubectl $version and etcd from source: some minutes, once."
(while sleep 10; do echo "  … ${SECONDS}s"; done) 9>&- &
ticker=$!
trap 'kill "$ticker" 2>/dev/null || true' EXIT
CGO_ENABLED=0 go build -trimpath -o "$out/" \
	-ldflags "-s -w -X $x.gitVersion=$version -X $x.gitMajor=1 -X $x.gitMinor=${minor%%.*}" \
	k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kubectl
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$out/etcd" go.etcd.io/etcd/server/v3
echo "$want" >"$out/.stamp"
echo "Built in ${SECONDS}s: $out"
