# `make reproduce` and `make test` are all a newcomer needs; `make help` lists the rest.

SPEC ?= experiments/table6.yaml
# More arguments for `make reproduce`, `figures` and `verify`, e.g. ARGS="--set evaluate.wiki.windows=4" NAME=table6-few. With a
# NAME, the results are saved under that name and replace no others.
ARGS =
HOW = $(SPEC) $(ARGS) $(if $(filter command%,$(origin NAME)),--as $(NAME))
CORDA := $(or $(CARGO_TARGET_DIR),target)/release/corda
NAME = $(basename $(notdir $(SPEC)))

# The adapters that `make interop` exports: KPM, IPM, PiSSA and LoRA.
INTEROP = corda-ptb-32 corda-ptb-32-largest plain-svd-largest lora

# The fine-tuned ones, and settings that make their training short.
TRAINED = lora dora corda-math-256-largest
BRIEF = --set train.examples=16 --set train.rates=[1.0e-3] --set train.seeds=[1] --set train.beside=[lora,dora] --set questions=null

# The experiments that `make reproduce-all` runs: every one with results in the repository.
DEFAULTS = table6 table6-gemma3 families spectra heatmaps adapters replicates layers kpm ipm context loss

# The oldest supported compiler.
MSRV := $(shell sed -n 's/^rust-version = "\(.*\)"$$/\1/p' Cargo.toml)

# Seconds per fuzz target, and optionally a single target; the number of times that `make soak` kills the program.
TIME ?= 600
TARGET ?=
KILLS ?= 200

.PHONY: help build reproduce reproduce-all report figures verify test lint msrv audit docs smoke snakemake notebooks interop memory bench \
	fuzz soak clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## Build the program
	cargo build --release --locked

reproduce: build ## Fetch, run and report the default experiment, or the one given by SPEC=experiments/x.yaml
	$(CORDA) run $(HOW)

reproduce-all: build ## Do the same for every default experiment (takes hours), then write results/index.html
	$(CORDA) run $(foreach name,$(DEFAULTS),experiments/$(name).yaml)
	$(CORDA) index

report: build ## Rebuild every page from the saved results, and results/index.html
	for folder in results/*/; do $(CORDA) report $$folder || exit 1; done
	$(CORDA) index

figures: build ## Rebuild the tables and figures of SPEC from the saved results, without computing anything
	$(CORDA) report $(HOW)

verify: build ## Recompute SPEC from scratch and compare with the saved results: within 0.5%, or within each other's intervals
	rm -rf .cache/verify
	$(CORDA) --cache .cache/verify --results .cache/verify/results run $(HOW)
	$(CORDA) compare results/$(NAME) .cache/verify/results/$(NAME)

test: ## Run the unit, property and integration tests, then the smoke experiment on the real model
	cargo test --release --locked
	$(MAKE) smoke

lint: ## Check the formatting, run clippy and build the documentation of the library, with warnings denied
	cargo fmt --check
	RUSTC_WORKSPACE_WRAPPER=$(CURDIR)/.ci/clippy cargo build --release --locked --all-targets
	RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps --lib

docs: build ## Write what is generated from the program: experiments/schema.json, the references of keys and columns in docs/
	$(CORDA) schema > experiments/schema.json
	UPDATE_DOCS=1 cargo test --release --locked --lib docs_are_current

msrv: ## Check the program with the oldest supported compiler (rust-version in Cargo.toml), if rustup can install it
	@if rustc --version | grep -q '^rustc $(MSRV)\.'; then \
		echo "the default compiler is Rust $(MSRV): everything built with it is the check"; \
	elif rustup toolchain install $(MSRV) --profile minimal > /dev/null 2>&1; then \
		cargo +$(MSRV) check --release --locked --target-dir target/msrv; \
	else \
		echo "not checked: rustup cannot install Rust $(MSRV); of the standard library, clippy checks it (incompatible_msrv)"; \
	fi

audit: ## Check the dependencies: licences, sources, known vulnerabilities, duplicates (deny.toml; needs cargo-deny)
	@command -v cargo-deny > /dev/null || { echo "make audit needs cargo-deny: cargo install --locked cargo-deny" >&2; exit 1; }
	cargo deny --locked check

smoke: build ## Run the smallest experiment end to end on the real model, then again, when nothing is left to do
	$(CORDA) --results .cache/smoke run experiments/smoke.yaml
	$(CORDA) --results .cache/smoke run experiments/smoke.yaml | grep 'nothing to do'

snakemake: smoke ## Run the smoke experiment by Snakemake, one process per stage, and expect the same bytes
	python3 -m venv .cache/snakemake/venv
	.cache/snakemake/venv/bin/pip install --quiet -r tests/snakemake/requirements.txt
	rm -rf .cache/snakemake/run
	mkdir -p .cache/snakemake/run/cache
	cp -r .cache/assets .cache/snakemake/run/cache
	$(CORDA) --cache .cache/snakemake/run/cache --results .cache/snakemake/run plan experiments/smoke.yaml --format snakemake \
		> .cache/snakemake/run/Snakefile
	.cache/snakemake/venv/bin/snakemake --snakefile .cache/snakemake/run/Snakefile --cores all --quiet all --config corda=$(CORDA)
	$(CORDA) compare --exact .cache/smoke/smoke .cache/snakemake/run/smoke

notebooks: build ## Execute the notebooks in place, in their own virtual environment
	python3 -m venv .cache/notebooks/venv
	.cache/notebooks/venv/bin/pip install --quiet -r notebooks/requirements.txt
	.cache/notebooks/venv/bin/jupyter nbconvert --to notebook --execute --ExecutePreprocessor.record_timing=False --inplace notebooks/*.ipynb

interop: build ## Load exported adapters with PEFT and compare the logits (installs torch: several GB)
	python3 -m venv .cache/interop/venv
	.cache/interop/venv/bin/pip install --quiet -r tests/interop/requirements.txt
	$(CORDA) adapt experiments/adapters.yaml --out .cache/interop $(foreach one,$(INTEROP),--only $(one)-r16)
	$(CORDA) adapt experiments/ipm.yaml --out .cache/interop $(foreach one,$(TRAINED),--only $(one)-r16-seed1) $(BRIEF)
	.cache/interop/venv/bin/python tests/interop/check.py $(CORDA) .cache/interop/adapters docs/adapters.md .cache/interop/ipm
	.cache/interop/venv/bin/python tests/interop/check_families.py $(CORDA) .cache/interop/families docs/adapters.md

memory: build ## Compare the memory that `corda plan` predicts with what stages take (writes two random models: 4 GB)
	cargo build --release --locked --example random_llama
	mkdir -p .cache/memory/cache
	for size in 0.5b 1.3b; do $(dir $(CORDA))examples/random_llama $$size .cache/memory/random-$$size || exit 1; done
	cp -r .cache/assets .cache/memory/cache
	tests/memory.py $(CORDA) .cache/memory smollm2=smollm2-135m-instruct gemma3=gemma3-270m 0.5b=.cache/memory/random-0.5b 1.3b=.cache/memory/random-1.3b

bench: ## Run the Criterion benchmarks of the hot paths, and show each as a share of the yardstick
	CANDLE_NUM_THREADS=1 cargo bench
	benches/shares.py $(dir $(CORDA))../criterion

fuzz: ## Feed damaged files to every reader for TIME=600 seconds each, or to TARGET=gguf alone (needs a C++ compiler)
	RUSTC_WORKSPACE_WRAPPER=$(CURDIR)/fuzz/instrument cargo build --release --locked --package corda-fuzz
	fuzz/run.py $(dir $(CORDA))corda-fuzz .cache/fuzz $(TIME) $(TARGET)

soak: build ## Kill a small experiment KILLS=200 times, fill the disk, start four at once; compare with an uninterrupted run
	tests/soak.py $(CORDA) .cache/soak $(KILLS)

clean: ## Remove build products and the cache; the results stay
	cargo clean
	rm -rf .cache
