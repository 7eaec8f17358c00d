#!/usr/bin/env bash
# Fails if generating again, or tidying a go.mod, would change a file.
set -euo pipefail
cd "$(dirname "$0")/.."

sums() { find api config -type f -exec sha256sum {} + | LC_ALL=C sort -k 2; }

before=$(sums)
make --no-print-directory generate
if ! changes=$(diff <(echo "$before") <(sums)); then
	echo "What is generated was out of date; commit what 'make generate' has now written:" >&2
	awk '/^[<>]/ {print "  " $3}' <<<"$changes" | LC_ALL=C sort -u >&2
	exit 1
fi

for module in . */ bench/*/ hack/*/ test/*/; do
	[ -f "$module/go.mod" ] || continue
	if ! out=$(cd "$module" && go mod tidy -diff 2>&1); then
		grep -E '^(go: |[+-]\s)' <<<"$out" | grep -v '^go: downloading' | head -n 20 >&2 || true
		echo "go.mod or go.sum is not tidy: (cd ${module%/} && go mod tidy)" >&2
		exit 1
	fi
done
