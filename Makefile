# The commands of alpha's README. CMake does the work (CMakePresets.json); this file spares a newcomer from knowing it.
# Another preset: make test PRESET=dev        Presets: release (default), ci, dev, asan-ubsan, tsan; fuzz has its own command

PRESET ?= release
JOBS ?= 2
BUILD := $(if $(filter release ci,$(PRESET)),build,build-$(PRESET))
CONFIGURE = cmake --preset $(PRESET) --log-level=NOTICE >/dev/null
CPP_FILES = git ls-files -z --cached --others --exclude-standard -- '*.cpp' '*.hpp' '*.h'

.DEFAULT_GOAL := build
.NOTPARALLEL:
.PHONY: build demo test bench torture mutants matrix fuzz fuzz-commands format format-check tidy lint clean help packages packages-dev packages-clang packages-matrix configure

build: configure ## build build/alpha; installs the packages it needs first (the default)
	@cmake --build --preset $(PRESET) --target alpha

demo: build ## build, then run scenarios/demo.yaml; its journal is runs/demo, its report runs/demo.html, made anew each time
	@rm -rf runs/demo && mkdir -p runs
	$(BUILD)/alpha backtest scenarios/demo.yaml --journal runs/demo --report runs/demo.html

test: configure ## build everything and run every test
	@cmake --build --preset $(PRESET)
	@ctest --preset $(PRESET) -j$(JOBS) --output-on-failure --no-tests=error --output-log $(BUILD)/ctest.log

bench: packages ## measure: bench/run and bench/latency, options in BENCH_ARGS and LATENCY_ARGS (docs/performance.md)
	@$(CONFIGURE) -DALPHA_BUILD_BENCH=ON
	@cmake --build --preset $(PRESET) --target alpha kernel_bench journal_bench outside_bench tick_sender clock_gaps
	@bench/run $(BUILD) $(BENCH_ARGS)
	@bench/latency $(BUILD) $(LATENCY_ARGS)

torture: configure ## break journals at length: power cuts, kills, flipped bits, full disks, refused calls; kill live sessions (about 30 minutes)
	@cmake --build --preset $(PRESET) --target journal_torture alpha sma_forgets test_live
	@tests/faults/run $(BUILD)
	@ALPHA_SEEDS=$${ALPHA_SEEDS:-100000} $(BUILD)/tests/live/test_live "an order is sent twice*"

mutants: packages ## plant small faults, one at a time; a test must notice each. Options in MUTANTS_ARGS (docs/how-to-mutants.md; about half an hour)
	@tests/mutants/run $(MUTANTS_ARGS)

matrix: packages packages-matrix ## the determinism matrix, with options in MATRIX_ARGS (docs/determinism.md; an hour or two)
	@tests/matrix/run $(MATRIX_ARGS)

fuzz: packages-clang ## run each fuzz target for FUZZ_SECONDS=60 (docs/how-to-fuzz.md)
	@cmake --preset fuzz --log-level=NOTICE >/dev/null
	@cmake --build --preset fuzz
	@tests/fuzz/run build-fuzz $(FUZZ_TARGETS)

fuzz-commands: configure ## throw random command lines at the program for FUZZ_SECONDS=60 (docs/how-to-fuzz.md)
	@cmake --build --preset $(PRESET) --target alpha
	@tests/fuzz/command_line.py --alpha $(BUILD)/alpha --seconds $${FUZZ_SECONDS:-60}

format: packages-dev ## rewrite every C++ file as .clang-format says
	@$(CPP_FILES) | xargs -0r clang-format-19 -i

format-check: packages-dev ## fail where make format would change something
	@$(CPP_FILES) | xargs -0r clang-format-19 --dry-run -Werror

tidy: packages-dev configure ## run clang-tidy on what differs from main (all of it: tools/tidy --all)
	@tools/tidy --build $(BUILD)

lint: packages ## check include directions and banned names, without building
	@cd tests/lint && python3 -B layering.py && python3 -B determinism.py

clean: ## remove what was built and the demo's journal and report
	rm -rf build build-* runs/demo runs/demo.html

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

packages:
	@tools/install-packages

packages-dev:
	@tools/install-packages --dev

packages-clang:
	@tools/install-packages --clang

packages-matrix:
	@tools/install-packages --matrix

configure: $(if $(filter asan-ubsan tsan,$(PRESET)),packages-clang,packages)
	@$(CONFIGURE)
