# `make reproduce` and `make test` are all a newcomer needs; `make help` lists the rest.

SPEC ?= experiments/table6.yaml
CORDA := $(or $(CARGO_TARGET_DIR),target)/release/corda
NAME = $(basename $(notdir $(SPEC)))

# What `make interop` exports: KPM, IPM, PiSSA, LoRA.
INTEROP = corda-ptb-32 corda-ptb-32-largest plain-svd-largest lora

.PHONY: help build reproduce report figures verify test lint smoke notebooks interop bench clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## Build the program
	cargo build --release --locked

reproduce: build ## Fetch, run and report the default experiment, or SPEC=experiments/x.yaml
	$(CORDA) run $(SPEC)

report: build ## Rebuild every page of saved results, and results/index.html over all of them
	for folder in results/*/; do $(CORDA) report experiments/$$(basename $$folder).yaml || exit 1; done
	$(CORDA) index

figures: build ## Rebuild tables and figures from saved results, without computing
	$(CORDA) report $(SPEC)

verify: build ## Compute SPEC again from nothing and compare with the saved results
	rm -rf .cache/verify
	$(CORDA) --cache .cache/verify --results .cache/verify/results run $(SPEC)
	$(CORDA) compare results/$(NAME) .cache/verify/results/$(NAME)

test: ## Unit, property and integration tests, and the smoke experiment on the real model
	cargo test --release --locked
	$(MAKE) smoke

lint: ## Formatting and clippy, warnings denied
	cargo fmt --check
	cargo clippy --release --locked --all-targets -- -D warnings

smoke: build ## The smallest experiment, end to end, on the real model; then again, with nothing to do
	$(CORDA) --results .cache/smoke run experiments/smoke.yaml
	$(CORDA) --results .cache/smoke run experiments/smoke.yaml | grep 'nothing to do'

notebooks: build ## Execute the notebooks in place, in a virtual environment of their own
	python3 -m venv .cache/notebooks/venv
	.cache/notebooks/venv/bin/pip install --quiet -r notebooks/requirements.txt
	.cache/notebooks/venv/bin/jupyter nbconvert --to notebook --execute --ExecutePreprocessor.record_timing=False --inplace notebooks/*.ipynb

interop: build ## Load exported adapters with PEFT and compare logits (installs torch: several GB)
	python3 -m venv .cache/interop/venv
	.cache/interop/venv/bin/pip install --quiet -r tests/interop/requirements.txt
	$(CORDA) adapt experiments/adapters.yaml --out .cache/interop $(foreach one,$(INTEROP),--only $(one)-r16)
	.cache/interop/venv/bin/python tests/interop/check.py $(CORDA) .cache/interop/adapters README.md

bench: ## Criterion benches of the hot paths
	cargo bench

clean: ## Remove build products and the cache (results stay)
	cargo clean
	rm -rf .cache
