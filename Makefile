# Everything a person must know. Each target works on a machine that has only Rust.

.PHONY: run test check bench chaos demo openapi clients compatible

# Build, and serve on 127.0.0.1:8080 with the data under ./data; the first start loads the demo plans.
run:
	cargo run --release --bin milepost -- serve --demo $(ARGS)

# The whole suite, on SQLite and on a throw-away PostgreSQL.
test:
	.ci/with-postgres cargo test --workspace $(ARGS)

# What CI runs: format, lints, documentation, dependencies, tests.
check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	@if cargo deny --version >/dev/null 2>&1; then cargo deny --all-features check; \
	else echo "cargo-deny is not installed: the suite checks licences and sources; advisories were NOT checked" >&2; fi
	$(MAKE) test

# Ratios against floors measured in the same run: the domain alone, then the service over HTTP.
bench:
	cargo bench -p milepost-domain --bench earned_value
	cargo bench -p milepost-tests --bench http

# Load the demo plans into a running server: make demo KEY=mp_... [URL=http://127.0.0.1:8080]
demo:
	MILEPOST_KEY=$(KEY) cargo run --release --bin milepost -- demo $(if $(URL),--url $(URL))

# Write the OpenAPI document from the code.
openapi:
	cargo run -p milepost-api --example openapi > openapi.yaml.new
	mv openapi.yaml.new openapi.yaml

# Let linters and client generators that others wrote judge the document, and run a flow with each generated client.
# Needs npm and pip; what is missing is skipped and says so, and fails in CI.
clients:
	tests/clients/with-server tests/clients/run openapi.yaml

# Compare the document with that of the last release: what would break its clients fails.
compatible:
	@if tag=$$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null); then \
	  mkdir -p target && git show "$$tag:openapi.yaml" > target/released-openapi.yaml && \
	  tests/clients/compatible target/released-openapi.yaml openapi.yaml; \
	else echo "SKIPPED: no release is tagged v*, so there is nothing to be compatible with" >&2; fi

# Failures for an hour on each engine, checked against a model. The seed is printed: MILEPOST_CHAOS_SEED=… repeats the schedule.
chaos:
	MILEPOST_CHAOS_SECONDS=$${MILEPOST_CHAOS_SECONDS:-3600} .ci/with-postgres \
	  cargo test -p milepost-api --test program -- --nocapture chaos
