"""Coverage-guided fuzzing of one target: `python tests/fuzz/run.py yaml --seconds 120`; exit 0 where nothing was found.

What crashes a target is left as a file in the corpus directory, and given again by `--again FILE`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1])]


def main() -> None:
    """Fuzz until the time is up; libFuzzer ends the process."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0] if __doc__ else "")
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--seed", type=int, default=2023)
    parser.add_argument("--corpus", type=Path, help="A directory in which what was found interesting stays.")
    parser.add_argument("--again", type=Path, help="One input, once.")
    asked = parser.parse_args()

    import atheris

    with atheris.instrument_imports(include=["lgsp", "connectors"], enable_loader_override=False):
        from targets import TARGETS

    target = TARGETS[asked.target]
    if asked.again:
        target.take(asked.again.read_bytes())
        return
    corpus = asked.corpus or Path(tempfile.mkdtemp(prefix=f"lgsp-fuzz-{asked.target}-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [
        f"-max_total_time={asked.seconds}",
        f"-seed={asked.seed}",
        "-timeout=10",
        "-rss_limit_mb=1024",
        "-max_len=8192",
    ]
    atheris.Setup(
        [sys.argv[0], str(corpus), *limits, f"-artifact_prefix={corpus}/", "-print_final_stats=1"], target.take
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
