# The targets of lgsp. `make help` prints this list.
.DEFAULT_GOAL := help
.PHONY: help up stack drill test check proof chaos-quick chaos chaos-long chaos-cluster chaos-ended accounting soak simulation big-capture past fuzz hostile openapi recorder long bench bench-quick pictures sbom audit lock generated format clean

PYTEST := .venv/bin/python -m pytest -q
UP ?=
STACK ?=
SEED ?= 2023

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

stack: ## RabbitMQ, gateway, connectors, Prometheus with rules, Alertmanager (and Grafana if installed), from the system's packages
	@sh scripts/setup run
	@sh scripts/setup system
	.venv/bin/lgsp stack --past $(STACK)

drill: ## The shipped drills against real Prometheus, Alertmanager and RabbitMQ; also part of `make proof`
	@sh scripts/setup dev
	@sh scripts/setup system
	$(PYTEST) -s tests/proof/test_stack.py

up: ## Install what is missing and run `lgsp up` (UP="--pace 10" for its options)
	@sh scripts/setup run
	.venv/bin/lgsp up --past $(UP)

check: ## ruff, mypy, units and contracts; needs no system package; under 2 minutes
	@sh scripts/setup dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	$(PYTEST) -m "not real and not proof"

test: check ## check, and everything with processes, RabbitMQ, Prometheus and Chromium; installs them where they are missing
	@sh scripts/setup system
	$(PYTEST) -m "real and not proof"

proof: ## The tests that take minutes; beside them, ten minutes of `make accounting`
	@sh scripts/setup dev
	@sh scripts/setup system
	@told=$$(mktemp); MINUTES=10 $(PYTEST) -s tests/chaos/test_accounting.py >"$$told" 2>&1 & account=$$!; \
	trap 'kill $$account 2>/dev/null' EXIT; trap 'exit 130' INT TERM; \
	echo "$(PYTEST) -m proof"; $(PYTEST) -m proof --ignore=tests/chaos/test_accounting.py --ignore=tests/proof/test_whole_past.py; rest=$$?; \
	wait $$account; account_says=$$?; cat "$$told"; rm -f "$$told"; exit $$((rest ? rest : account_says))

chaos-quick: ## Broker, gateway and connectors killed once each under traffic: five witnesses on one screen, a minute
	@sh scripts/setup dev
	@sh scripts/setup system
	.venv/bin/python tests/chaos/run.py quick --seed $(SEED)

chaos: ## 24 faults of every kind and 20,000 transactions; also in `make proof` (SEED=7 for another sequence)
	@sh scripts/setup dev
	@sh scripts/setup system
	.venv/bin/python tests/chaos/run.py ci --seed $(SEED)

chaos-long: ## 306 faults and 505,000 calls, more than a third of them stored: most of an hour
	@sh scripts/setup dev
	@sh scripts/setup system
	.venv/bin/python tests/chaos/run.py long --seed $(SEED)

chaos-cluster: ## A cluster of three nodes in network namespaces: nodes killed and cut off; skipped where that is not allowed
	@sh scripts/setup dev
	@sh scripts/setup system
	.venv/bin/python tests/chaos/run.py cluster --seed $(SEED)

chaos-ended: ## 200 SIGTERMs under traffic, to gateways and connectors
	@sh scripts/setup dev
	@sh scripts/setup system
	.venv/bin/python tests/chaos/run.py ended --seed $(SEED)

accounting: ## Ten minutes at 200 a second with a fault a minute: the account at every scrape, and nothing grows
	@sh scripts/setup dev
	@sh scripts/setup system
	MINUTES=10 $(PYTEST) -s tests/chaos/test_accounting.py

soak: ## Two hours of the same with a fault every 4 minutes; memory's slope; samples go into soak.jsonl as it runs
	@sh scripts/setup dev
	@sh scripts/setup system
	.venv/bin/python tests/chaos/soak.py 121 soak.jsonl --seed $(SEED)

simulation: ## 10,000 histories on a virtual clock, and 2,500 of what is stored first: a quarter of an hour (SEEDS=2000 in `make proof`; SEED=the first)
	@sh scripts/setup dev
	SEEDS=$(or $(SEEDS),10000) $(PYTEST) -s -m proof -k histories_hold tests/simulation

past: ## The whole past of the yardstick, told and put into a real Prometheus: times, memory, and every call counted; two minutes
	@sh scripts/setup dev
	@sh scripts/setup system
	$(PYTEST) -s tests/proof/test_whole_past.py

big-capture: ## A capture of 1 GB replayed, in order and shuffled: memory under 200 MB, the first call within 5 s
	@sh scripts/setup dev
	.venv/bin/python tests/traffic/replay/big.py 1000

fuzz: ## YAML, frames, captures, tokens, XML: each for half an hour by coverage (FUZZ_SECONDS=1800)
	@sh scripts/setup dev
	FUZZ_SECONDS=$(or $(FUZZ_SECONDS),1800) $(PYTEST) -s -m proof tests/fuzz

hostile: ## 100,000 messages that nobody of ours would send to every consumer on the bus, and as many strange calls among a crowd that dribbles
	@sh scripts/setup dev
	@sh scripts/setup system
	HOSTILE=$(or $(HOSTILE),100000) STRANGE=$(or $(STRANGE),100000) MUTATIONS=$(or $(MUTATIONS),50000) \
		$(PYTEST) -s tests/e2e/test_hostile.py tests/e2e/test_crowd.py tests/e2e/test_raw.py

openapi: ## 100,000 cases that schemathesis makes of the OpenAPI document, calm, lifelike and along its links (OPENAPI_SEED=7 for those of a run)
	@sh scripts/setup dev
	OPENAPI=$(or $(OPENAPI),100000) $(PYTEST) -s -m proof tests/e2e/test_openapi.py

recorder: ## A minute of recording to a disk that takes 2 MB a second: what is held, what is written, what is dropped (SLOW_SINK=60)
	@sh scripts/setup dev
	SLOW_SINK=$(or $(SLOW_SINK),60) $(PYTEST) -s -m proof tests/proof/test_recorder.py

long: soak chaos-long chaos-cluster chaos-ended simulation big-capture past fuzz hostile openapi recorder ## Hours: what `make proof` is too short for

bench: ## lgsp beside its peers, interleaved, as ratios: prints the table of docs/performance.md
	@sh scripts/setup run
	@sh scripts/setup bench
	.venv/bin/python -m bench

bench-quick: ## The ratios that matter, in under 2 minutes
	@sh scripts/setup run
	@sh scripts/setup bench
	.venv/bin/python -m bench --quick

sbom: ## What the product is made of, by name, version and digest, in CycloneDX: dist/lgsp.cdx.json, the same twice
	@sh scripts/setup dev
	@mkdir -p dist
	.venv/bin/cyclonedx-py requirements requirements/run.txt --pyproject pyproject.toml --output-reproducible --output-file dist/lgsp.cdx.json

audit: ## Both locks beside the advisories that are known; wants the network, and fails where it cannot look
	@sh scripts/setup dev
	.venv/bin/pip-audit --strict --disable-pip --require-hashes -r requirements/run.txt
	.venv/bin/pip-audit --strict --disable-pip --require-hashes -r requirements/dev.txt

lock: ## Pin every dependency with its hashes again
	@sh scripts/setup lock

pictures: ## The pictures of docs/operations.md, taken anew in the system's Chromium
	@sh scripts/setup dev
	@sh scripts/setup system
	.venv/bin/python tests/e2e/console/pictures.py

generated: ## Make the generated files of config/ again
	@sh scripts/setup dev
	.venv/bin/lgsp monitoring rules --config config --output config/prometheus/rules/lgsp.yml
	.venv/bin/lgsp monitoring routes --config config --output config/alertmanager/alertmanager.yml
	.venv/bin/lgsp monitoring boards --config config --output config/grafana/boards/LGSP

format: ## Format the code
	@sh scripts/setup dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

clean: ## Remove the environment and every cache
	rm -rf .venv bench/.venv bench/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
