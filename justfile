# One list of recipes. `uv run just` shows them; `just check` is what CI, a hook and a person run.
set shell := ["bash", "-euo", "pipefail", "-c"]

packages := "-p opsloop_common -p opsloop_cli -p opsloop_dealership -p opsloop_sandbox -p opsloop_ingress -p opsloop_orchestrator -p opsloop_notifier -p opsloop_metrics"
members := "libs/common libs/cli libs/dealership libs/sandbox services/ingress services/orchestrator services/notifier services/metrics"

default:
    @just --list

# the whole loop on this machine, with everything embedded
demo *arguments:
    opsloop demo {{arguments}}

# all tests, on two processes: many wait for what happens in time, which a crowded machine delays
test *arguments:
    pytest -n 2 --dist worksteal {{arguments}}

# the fast tests: pure, and those of the contracts
quick:
    pytest tests/unit tests/contract

# everything that must hold before a commit
check: format-check lint types boundaries dependencies lock-check test

format:
    ruff format .
    ruff check --fix .

format-check:
    ruff format --check .

lint:
    ruff check .

types:
    mypy {{packages}}
    mypy tests scripts bench

# who may import whom
boundaries:
    lint-imports

# every member declares what it imports, and nothing more
dependencies:
    for member in {{members}}; do (cd "$member" && deptry src); done

# resolves anew and writes requirements.lock and the constraints in pyproject.toml
lock:
    python scripts/lock.py

lock-check:
    python scripts/lock.py --check

# how long a person waits for a card, on loopback (about a minute)
bench:
    PYTHONPATH=tests python bench/click_to_card.py

# what a task costs: tasks a second, and CPU time by process (about two minutes)
bench-tasks:
    PYTHONPATH=tests python bench/tasks.py

# two orchestrators, two hundred tasks in one line, one of the two killed again and again (about a minute)
storm:
    STORM_TASKS=200 STORM_WORK_MS=30 pytest tests/integration/orchestrator/test_storm.py

# the README's pictures
pictures:
    SCREENSHOTS=docs/pictures pytest tests/browser/test_whole_loop.py

# a JSON Schema of every message and an AsyncAPI document, from the structs
schemas:
    python scripts/schemas.py

# Grafana's dashboards, from scripts/dashboards.py
dashboards:
    python scripts/dashboards.py

# the images of all services; needs an engine
images:
    docker compose --env-file deploy/sandbox.env build

# everything in containers, with a local Slack at http://127.0.0.1:8090
containers-up *arguments:
    python scripts/container_files.py --sandbox
    docker compose --env-file deploy/sandbox.env up -d --wait {{arguments}}

containers-down:
    docker compose --env-file deploy/sandbox.env down

# what needs an engine: the whole loop in containers, and a broker in one (the engine's client leaves a socket open)
containers:
    pytest -m containers tests/deploy/test_compose.py
    OPSLOOP_TEST_CONTAINERS=1 pytest -W ignore::pytest.PytestUnraisableExceptionWarning tests/integration/common

# kill -9 at each crossing of the adapters, one by one (about half an hour)
crash-all:
    OPSLOOP_CRASH_ALL=1 pytest -s tests/chaos/test_crash_points.py

# everything dies, freezes and answers badly at random while people work: `just chaos --minutes 5 --seed 7`
chaos *arguments:
    PYTHONPATH=tests python -m chaos.chaos {{arguments}}
