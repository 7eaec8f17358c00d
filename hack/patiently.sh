#!/usr/bin/env bash
# Runs a command that is quick, or takes minutes the first time, and then says
# every ten seconds how long it has taken.
#   hack/patiently.sh WHAT COMMAND [ARGUMENT...]
set -euo pipefail
what=$1
shift
exec {never}<> <(:) # nothing is ever written here, so that reading it waits
(
	read -rt 5 -u "$never" || echo "$what: some minutes the first time."
	while true; do
		read -rt 10 -u "$never" || echo "  … ${SECONDS}s"
	done
) &
trap 'kill "$!" 2>/dev/null || true' EXIT
"$@"
