SHELL := /usr/bin/env bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# What users set: the image that is built and deployed, and what builds it.
IMG ?= controller:latest
CONTAINER_TOOL ?= docker
PLATFORMS ?= linux/amd64,linux/arm64
# What is deployed: a directory of config/, or one of your own that has it as a base.
CONFIG ?= config/default
# The kubectl to use; without one, that of bin/k8s is built.
KUBECTL ?= $(or $(shell command -v kubectl),bin/k8s/kubectl)
# Flags of the operator for `make run`, and of the benchmarks for `make bench`.
ARGS ?=
FUZZTIME ?= 30s
# How long `make soak` lasts, and the seed of its faults: by default a new one.
MINUTES ?= 20
SEED ?= $(shell date +%s)
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

LINT := bin/golangci-lint
# Modules of their own, so that their dependencies stay out of go.mod.
MODULES := bench test/sdk
# The race detector needs a C compiler.
RACE := $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

##@ General

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: build cluster ## Show it all at work: operator, two providers, a real API server (DEMO=once: end after the story).
	@hack/patiently.sh "Building the demo" go build -o bin/demo ./test/demo
	@exec bin/demo --bin bin $(if $(filter once,$(DEMO)),--once)

.PHONY: clean
clean: ## Remove what was built, the API server too.
	@rm -rf bin dist

##@ Development

.PHONY: generate
generate: ## Generate deepcopy, applyconfigurations, CRDs and RBAC from the markers.
	@hack/patiently.sh "Building controller-gen" go build -o bin/controller-gen sigs.k8s.io/controller-tools/cmd/controller-gen
	@bin/controller-gen object:headerFile=hack/boilerplate.go.txt \
		applyconfiguration:headerFile=hack/boilerplate.go.txt \
		crd output:crd:artifacts:config=config/crd/bases paths=./api/...
	@bin/controller-gen rbac:roleName=manager-role \
		output:rbac:artifacts:config=config/rbac paths=./internal/controller/...

.PHONY: verify
verify: ## Fail if what is generated, or a go.mod, is out of date.
	@hack/verify.sh

.PHONY: fmt
fmt: $(LINT) ## Format all Go files.
	@$(LINT) fmt

.PHONY: lint
lint: $(LINT) ## Run the linters on all modules.
	@echo "Linting."
	@for module in . $(MODULES); do (cd $$module && $(CURDIR)/$(LINT) run); done

.PHONY: lint-fix
lint-fix: $(LINT) ## Run the linters and let them mend what they can.
	@$(LINT) run --fix

.PHONY: vet
vet: ## Run go vet on all modules.
	@echo "Vetting."
	@for module in . $(MODULES); do (cd $$module && go vet ./...); done

.PHONY: test
test: verify lint cluster vet ## Run all checks and tests; what a change must pass.
	@test -n "$(RACE)" || echo "WARNING: no C compiler, so no race detector: install gcc and libc6-dev." >&2
	@echo "Testing$(if $(RACE), with the race detector)."
	@go test $(RACE) -count=1 -timeout=15m ./...
	@cd test/sdk && go test $(RACE) -count=1 ./...
	@echo "Testing what the race detector would falsify."
	@go test -count=1 ./internal/gateway/circuit
	@hack/fuzz.sh $(FUZZTIME)

.PHONY: test-sdk-js
test-sdk-js: build ## Test with the providers' official JavaScript SDKs (needs Node.js 20 or newer, and npm).
	@go build -C test/sdk -o ../../bin/sdk-stage ./cmd/stage
	@hack/test-sdk-js.sh

.PHONY: fuzz
fuzz: ## Run the fuzz tests for FUZZTIME (30s).
	@hack/fuzz.sh $(FUZZTIME)

.PHONY: soak
soak: cluster ## Run three replicas through random faults for MINUTES (20); SEED=n repeats those of another run.
	@go test $(RACE) -count=1 -timeout=0 -v ./test/soak -run '^TestSoak$$' -minutes=$(MINUTES) -seed=$(SEED) -within=15s

.PHONY: bench
bench: build ## Run the benchmarks against peers and bare baselines.
	@cd bench && go run . $(ARGS)

.PHONY: bench-scale
bench-scale: build cluster ## Measure growth on a real API server: 10,000 policies and routes, fleets (about 15 min).
	@cd bench && go run . -only scale $(ARGS)

.PHONY: cluster
cluster: ## Build kube-apiserver, etcd and kubectl into bin/k8s.
	@test/cluster/build.sh

# Not a file that make looks at: go knows best whether it is up to date.
.PHONY: $(LINT)
$(LINT):
	@hack/patiently.sh "Building golangci-lint" go build -C hack/tools -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

bin/k8s/kubectl:
	@test/cluster/build.sh

##@ Build

.PHONY: build
build: ## Build bin/switchgear and bin/providersim.
	@hack/patiently.sh "Building switchgear" go build -trimpath -o bin/ \
		-ldflags "-s -w -X main.version=$(VERSION)" ./cmd/switchgear ./test/providersim/cmd/providersim

.PHONY: run
run: build ## Run the operator against the current kubeconfig (ARGS="--log-level=debug").
	@exec bin/switchgear operator $(ARGS)

.PHONY: docker-build
docker-build: ## Build the image IMG.
	@$(CONTAINER_TOOL) build --build-arg VERSION=$(VERSION) -t $(IMG) .

.PHONY: docker-push
docker-push: ## Push the image IMG.
	@$(CONTAINER_TOOL) push $(IMG)

.PHONY: docker-buildx
docker-buildx: ## Build the image IMG for all PLATFORMS and push it.
	@$(CONTAINER_TOOL) buildx build --platform $(PLATFORMS) --build-arg VERSION=$(VERSION) -t $(IMG) --push .

.PHONY: build-installer
build-installer: | $(filter bin/%,$(KUBECTL)) ## Write dist/install.yaml, which installs everything, with the image IMG.
	@mkdir -p dist
	@hack/render.sh $(KUBECTL) $(CONFIG) $(IMG) >dist/install.yaml
	@echo "Wrote dist/install.yaml: kubectl apply --server-side -f dist/install.yaml"

##@ Deployment, to the cluster of the current kubeconfig

.PHONY: install
install: | $(filter bin/%,$(KUBECTL)) ## Install the CRDs.
	@$(KUBECTL) apply --server-side --force-conflicts -k config/crd

.PHONY: uninstall
uninstall: | $(filter bin/%,$(KUBECTL)) ## Delete the CRDs, and so every CircuitPolicy and ProviderRoute.
	@$(KUBECTL) delete --ignore-not-found -k config/crd

.PHONY: deploy
deploy: | $(filter bin/%,$(KUBECTL)) ## Deploy CRDs and operator with the image IMG.
	@hack/render.sh $(KUBECTL) $(CONFIG) $(IMG) | $(KUBECTL) apply --server-side --force-conflicts -f -

.PHONY: undeploy
undeploy: | $(filter bin/%,$(KUBECTL)) ## Delete the operator, keep CRDs, namespace and your resources (PURGE=true: delete them too).
	@$(KUBECTL) delete --ignore-not-found -k config/$(if $(filter true,$(PURGE)),default,undeploy)
