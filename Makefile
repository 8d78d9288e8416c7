# tsrunc's doors: `make help` lists them. npm scripts only point here.
SHELL := /bin/bash
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

NODE ?= node
# Headers next to the running Node spare node-gyp a download.
NODE_PREFIX := $(shell $(NODE) -p "require('path').resolve(process.execPath, '../..')" 2>/dev/null)
GYP_FLAGS := $(if $(wildcard $(NODE_PREFIX)/include/node/node_api.h),--nodedir=$(NODE_PREFIX))
RUNTIME ?= $(CURDIR)/bin/tsrunc
PREFIX ?= /usr/local
ROUNDS ?= 30

NATIVE_SOURCES := $(shell find addon -type f 2>/dev/null) binding.gyp
TS_SOURCES := $(shell find src -type f 2>/dev/null) scripts/build.mjs package.json
SCHEMAS := $(wildcard schemas/*.schema.json)

##@ Build
.PHONY: build
build: bin/tsrunc dist/main.cjs ## build bin/tsrunc, the addon and the helper

build/.packages: scripts/packages.txt
	@mkdir -p build
	@scripts/install-packages
	@touch $@

node_modules/.package-lock.json: package-lock.json
	@echo "  npm ci"
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

build/Release/tsrunc.node: $(NATIVE_SOURCES) node_modules/.package-lock.json | build/.packages
	@echo "  addon, helper and front (node-gyp)"
	@if [ -f build/Makefile ] && [ build/Makefile -nt binding.gyp ]; then npx node-gyp build $(GYP_FLAGS); else npx node-gyp configure build $(GYP_FLAGS); fi >build/native.log 2>&1 || { cat build/native.log; exit 1; }
	@touch $@

build/validators/config.mjs: $(SCHEMAS) scripts/build-validators.mjs node_modules/.package-lock.json
	@echo "  validators (ajv)"
	@$(NODE) scripts/build-validators.mjs

dist/main.cjs: $(TS_SOURCES) $(SCHEMAS) build/validators/config.mjs | bin/tsrunc
	@echo "  dist/ (esbuild)"
	@$(NODE) scripts/build.mjs

bin/tsrunc: build/Release/tsrunc.node
	@mkdir -p bin
	@install -m0755 build/Release/tsrunc-front $@

.PHONY: clean
clean: ## remove everything that was built
	rm -rf build dist bin .demo

##@ Use
.PHONY: demo
demo: build ## install what is missing, build, and run a container
	@scripts/demo

##@ Check
.PHONY: typecheck
typecheck: build/validators/config.mjs ## check the types of TypeScript
	@npx tsc

build/.lint-packages: scripts/lint-packages.txt
	@mkdir -p build
	@scripts/install-packages scripts/lint-packages.txt
	@touch $@

.PHONY: lint
lint: typecheck build/.lint-packages ## types, style, layers, formats, spelling
	@scripts/lint

.PHONY: fmt
fmt: build/.lint-packages ## format TypeScript and C++
	@npx prettier --log-level warn --write src test scripts '*.json' '*.md' docs schemas
	@find addon test -name '*.cc' -o -name '*.h' | xargs clang-format -i

##@ Test
.PHONY: test
test: build build/.test-packages ## every test that this machine can run, without a planner; as root, some minutes
	@scripts/run-tests unit native integration

.PHONY: test-all
test-all: ## make test, and the tests of integration once more with a planner
	@scripts/test-all

.PHONY: unit
unit: build ## tests without privilege
	@scripts/run-tests unit native

.PHONY: integration
integration: build build/.test-packages ## tests with real containers; RUNTIME=runc compares
	@RUNTIME=$(RUNTIME) scripts/run-tests integration

.PHONY: fuzz
fuzz: build build/.test-packages ## bent documents for every verb: CASES=20000 SEED=1
	@scripts/fuzz

.PHONY: conformance
conformance: build build/.conformance-packages ## the specification's own suite; RUNTIME=PATH judges another
	@RUNTIME=$(RUNTIME) scripts/conformance

build/.conformance-packages: scripts/conformance-packages.txt
	@mkdir -p build
	@scripts/install-packages scripts/conformance-packages.txt
	@touch $@

.PHONY: engines
engines: build build/.test-packages build/.engine-packages ## podman, docker and containerd with tsrunc, and with runc as the control
	@scripts/engines

build/.engine-packages: scripts/engine-packages.txt
	@mkdir -p build
	@scripts/install-packages scripts/engine-packages.txt
	@touch $@

.PHONY: vm
vm: build build/.vm-packages ## what needs cgroup v2 or AppArmor, in an emulated VM
	@scripts/vm-tests

build/.vm-packages: scripts/vm-packages.txt
	@mkdir -p build
	@scripts/install-packages scripts/vm-packages.txt
	@touch $@

build/.test-packages: scripts/test-packages.txt
	@mkdir -p build
	@scripts/install-packages scripts/test-packages.txt
	@touch $@

##@ Measure
.PHONY: bench
bench: build build/.test-packages ## time tsrunc beside runc and crun; ROUNDS=30
	@python3 bench/bench.py docs/benchmarks $(CURDIR)/bin/tsrunc $(ROUNDS)

##@ Install
.PHONY: install
install: build ## install below PREFIX (/usr/local)
	@scripts/install-tree "$(DESTDIR)$(PREFIX)" "$(PREFIX)"

##@ Help
.PHONY: help
help: ## list these targets
	@awk 'BEGIN {FS = ":.*##"; print "make <target>"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z_-]+:.*##/ {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
