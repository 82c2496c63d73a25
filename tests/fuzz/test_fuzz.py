"""Whoever reads bytes of strangers says yes or no in the way it promises, whatever the bytes: by coverage, and a while by chance."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from targets import TARGETS

HERE = Path(__file__).parent
SECONDS = int(os.environ.get("FUZZ_SECONDS", "120"))


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_right_is_taken(name: str) -> None:
    seeds = TARGETS[name].seeds()
    assert len(seeds) >= 2
    for seed in seeds:
        TARGETS[name].take(seed)


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_nearly_right_is_taken_or_refused(name: str) -> None:
    target = TARGETS[name]

    @settings(max_examples=150, derandomize=True)
    @given(st.sampled_from(target.seeds()), st.integers(0, 8_000), st.integers(0, 40), st.binary(max_size=12))
    def takes(seed: bytes, at: int, gone: int, put: bytes) -> None:
        at %= len(seed) + 1
        target.take(seed[:at] + put + seed[at + gone :])

    takes()


@pytest.mark.proof
@pytest.mark.timeout(5 * SECONDS + 300)
@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="atheris has no build for this machine: nothing is fuzzed by coverage",
)
def test_nothing_is_found_by_coverage(tmp_path: Path) -> None:
    """Two at a time, each for `FUZZ_SECONDS`."""

    def fuzz(name: str) -> tuple[str, int, str]:
        command = [
            sys.executable,
            str(HERE / "run.py"),
            name,
            "--seconds",
            str(SECONDS),
            "--corpus",
            str(tmp_path / name),
        ]
        # One seed is one order of inputs: hashes that differ from run to run would lead elsewhere.
        env = os.environ | {"PYTHONHASHSEED": "0"}
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=env)
        return name, done.returncode, f"{done.stderr[-3_000:]}{done.stdout[-3_000:]}"

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(fuzz, TARGETS))
    for name, code, says in told:
        found = [path.read_bytes() for path in (tmp_path / name).glob("crash-*")]
        assert code == 0, f"{name} was given {found}: {says}"
        runs = re.search(r"number_of_executed_units: (\d+)", says)
        assert runs, says
        assert int(runs[1]) > len(TARGETS[name].seeds())
        print(f"{name}: {int(runs[1]):,} inputs in {SECONDS} s, nothing found")
