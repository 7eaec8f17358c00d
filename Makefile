SHELL := /usr/bin/env bash -o pipefail
.DEFAULT_GOAL := help

API := ./api/v1alpha1

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: generate
generate: ## Generate deepcopy, applyconfigurations and CRDs from the API types.
	go tool controller-gen object:headerFile=hack/boilerplate.go.txt \
		applyconfiguration:headerFile=hack/boilerplate.go.txt \
		crd output:crd:artifacts:config=config/crd/bases paths=$(API)

.PHONY: verify
verify: generate ## Fail if what is generated differs from what is committed.
	@git diff --exit-code -- api config || { echo "Generated files differ: commit what 'make generate' wrote."; exit 1; }

.PHONY: cluster
cluster: ## Build kube-apiserver, etcd and kubectl into bin/k8s.
	./test/cluster/build.sh

.PHONY: test
test: verify cluster ## Run all tests.
	go vet ./...
	go test -race ./...
