#!/usr/bin/env bash
# Runs every fuzz test: the engine's for the time given, the others for a third
# of it. What they find is written beside the test, to be committed with the fix.
#   hack/fuzz.sh 30s
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1%s}
case $seconds in
'' | *[!0-9]*)
	echo "The time to fuzz is in seconds, such as 30s; got '$1'." >&2
	exit 1
	;;
esac

fuzz() { # package, test, seconds
	echo "Fuzzing $2 in $1 for ${3}s."
	go test -run '^$' -fuzz "^$2\$" -fuzztime "${3}s" "$1"
}

engine=internal/gateway/circuit
grep -qs '^func FuzzModel(' $engine/*_test.go || {
	echo "$engine has lost FuzzModel, which holds it against its reference model." >&2
	exit 1
}
fuzz ./$engine FuzzModel "$seconds"
while IFS=: read -r file name; do
	[ "$name" = FuzzModel ] || fuzz "./$(dirname "$file")" "$name" $(((seconds + 2) / 3))
done < <(grep -rEo --include='*_test.go' '^func Fuzz\w+' api cmd internal | sed 's/func //' | LC_ALL=C sort)
