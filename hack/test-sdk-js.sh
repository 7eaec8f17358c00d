#!/usr/bin/env bash
# Runs the tests of test/sdk/js, with what its lock file pins.
set -euo pipefail
cd "$(dirname "$0")/../test/sdk/js"

for tool in node npm; do
	command -v "$tool" >/dev/null || {
		echo "The tests with the JavaScript SDKs need $tool: install Node.js 20 or newer, and npm." >&2
		exit 1
	}
done
if ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
	echo "The tests with the JavaScript SDKs need Node.js 20 or newer; this is $(node --version)." >&2
	exit 1
fi
if ! cmp -s package-lock.json node_modules/.installed; then
	npm ci
	cp package-lock.json node_modules/.installed
fi
exec node --test
