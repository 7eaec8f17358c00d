#!/usr/bin/env bash
# Prints a directory of config/ with the operator's image put in, and leaves the
# directory as it is.
#   hack/render.sh KUBECTL DIRECTORY IMAGE
set -euo pipefail
cd "$(dirname "$0")/.."
kubectl=$1 directory=$2 image=$3

name=$image tag='newTag: latest'
case $image in
*@*) name=${image%@*} tag="digest: ${image#*@}" ;;
*:*)
	last=${image##*:}
	case $last in
	*/*) ;; # the colon is of a registry's port
	*) name=${image%:*} tag="newTag: \"$last\"" ;;
	esac
	;;
esac

mkdir -p bin
overlay=$(mktemp -d bin/render.XXXXXX) # kustomize wants its bases by a relative path
trap 'rm -rf "$overlay"' EXIT
cat >"$overlay/kustomization.yaml" <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: ["../../$directory"]
images:
- name: controller
  newName: $name
  $tag
YAML
"$kubectl" kustomize "$overlay"
