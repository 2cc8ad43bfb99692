# Everything that people and CI run. `make` lists the targets.

CARGO ?= cargo

# Tests make processes fail at named places, and run roles on Kafka and CQL: only these features compile that in.
TEST_FLAGS := --locked --workspace --features chasqui/cluster,chasqui/failpoints,chasqui-gateway/failpoints,chasqui-router/failpoints,chasqui-sequencer/failpoints

# All features, because some tests and the suites exist only with one.
LINT_FLAGS := --locked --workspace --all-targets --all-features

CARGO_DENY := target/tools/bin/cargo-deny

CARGO_FUZZ := target/tools/bin/cargo-fuzz

PYTHON_ENV := target/python/installed

# A real provider of identities, which a test starts.
IDENTITY_PROVIDER := tests/identity-provider/node_modules/.installed

.PHONY: help native run infra-up infra-down test soak bench fuzz mutants load load-cluster python verify format lint policy docs schemas fix audit

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build Chasqui and start it on ./data with built-in keys, to try it
	$(CARGO) build --locked --release -p chasqui
	target/release/chasqui serve --dev

test: native $(IDENTITY_PROVIDER) ## Run all tests, on real servers that are started for them
	$(CARGO) build --locked -p chasqui --features cluster,failpoints
	$(CARGO) test $(TEST_FLAGS) --no-run
	infra/local/with target/infra/test sh -c '$(CARGO) test $(TEST_FLAGS) && $(MAKE) python'

soak: native $(IDENTITY_PROVIDER) ## Run all tests, the long ones at full length, and the fuzzer
	$(CARGO) build --locked -p chasqui --features cluster,failpoints
	CHASQUI_SOAK=1 infra/local/with target/infra/test sh -c '$(CARGO) test $(TEST_FLAGS) && $(MAKE) python'
	$(MAKE) fuzz

bench: ## Run all benches: what the steps of a message take, and how often they allocate
	$(CARGO) bench --locked --workspace --bench '*'

infra-up: ## Start Kafka, Cassandra and a schema registry in target/infra/run
	infra/local/up

infra-down: ## Stop them
	infra/local/down

fuzz: $(CARGO_FUZZ) ## Fuzz what reads bytes from outside, each for FUZZ_SECONDS (300)
	infra/scripts/fuzz

mutants: ## Break the product place by place: the simulation must notice within MUTANTS_SEEDS (5000)
	$(CARGO) run --locked -p chasqui-sim -- mutants

load: $(PYTHON_ENV) ## Measure all roles in one process, and draw curves; LOAD=--quick is over in a minute, LOAD=--help tells more
	$(CARGO) build --locked --release -p chasqui
	target/python/bin/python -B tests/load/embedded.py $(LOAD)

load-cluster: native $(PYTHON_ENV) ## Measure the roles on Kafka and Cassandra beside what those can do; LOAD as above
	$(CARGO) build --locked --release -p chasqui --features cluster
	$(CARGO) build --locked --release -p chasqui-cluster-tests --bin chasqui-ceilings
	target/python/bin/python -B tests/load/cluster.py $(LOAD)

python: native $(PYTHON_ENV) ## Run the tests in Python, beside the servers of infra-up
	target/python/bin/ruff format --check tests/python tests/load infra/analytics
	target/python/bin/ruff check tests/python tests/load infra/analytics
	$(CARGO) build --locked -p chasqui --features cluster,failpoints
	target/python/bin/python -B -m pytest tests/python

verify: format lint policy docs schemas ## Check everything short of the tests; changes no source

format: ## Check the formatting
	$(CARGO) fmt --all --check

lint: native ## Check the lints
	$(CARGO) clippy $(LINT_FLAGS) -- -D warnings

policy: $(CARGO_DENY) ## Check licenses, banned crates and sources of dependencies
	$(CARGO_DENY) --locked check licenses bans sources

docs: native ## Check that the documentation builds
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --all-features --no-deps

schemas: native ## Check the schemas and who depends on whom
	$(CARGO) test $(TEST_FLAGS) --test architecture --test protocol

# What the Kafka client is built with.
native:
	@infra/scripts/native-libraries

fix: ## Apply what the lints suggest, and format
	$(CARGO) clippy $(LINT_FLAGS) --fix --allow-dirty --allow-staged
	$(CARGO) fmt --all

audit: $(CARGO_DENY) ## Check dependencies for known vulnerabilities; needs the network
	$(CARGO_DENY) --locked check advisories

$(IDENTITY_PROVIDER): tests/identity-provider/package-lock.json
	@command -v npm >/dev/null || { echo "The tests need Node.js 20 or later, and there is no npm" >&2; exit 1; }
	npm ci --prefix tests/identity-provider
	touch $@

$(PYTHON_ENV): infra/scripts/python-env tests/python/requirements.txt tests/load/requirements.txt infra/analytics/requirements.txt
	infra/scripts/python-env

$(CARGO_DENY) $(CARGO_FUZZ): target/tools/bin/%: infra/scripts/install-%
	$<
