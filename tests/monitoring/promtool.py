"""Rules run over made-up series by Prometheus's own `promtool test rules`."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Series = Mapping[str, str]
GROUPS = ("lgsp-services", "lgsp-owners", "lgsp-bus", "lgsp-alerts")
"""In the order in which one builds on the other; `promtool` would take them in any."""
GATEWAY = 'job="lgsp-gateway",instance="gw1"'


@dataclass(frozen=True)
class Case:
    """Series, and the labels of what fires at a time; nothing where it is quiet. A step is one minute unless said."""

    says: str
    series: Series
    at: str
    fires: Sequence[Mapping[str, str]] = ()
    step: str = "1m"
    annotations: Mapping[str, str] = field(default_factory=dict)


def tx(service: str, outcome: str, values: str) -> Series:
    """One series of `lgsp_transactions_total`."""
    return {f'lgsp_transactions_total{{{GATEWAY},service="{service}",outcome="{outcome}"}}': values}


def known(*services: str, objective: float = 0.99, minutes: int = 6_000) -> Series:
    """What is there of each service beside its counters."""
    facts: dict[str, str] = {}
    for service in services:
        facts[f'lgsp_slo_objective_ratio{{{GATEWAY},service="{service}"}}'] = f"{objective}x{minutes}"
        info = f'service="{service}",owner="stp",tier="central",route="ndxp",mode="simulate"'
        facts[f"lgsp_service_info{{{GATEWAY},{info}}}"] = f"1x{minutes}"
    return facts


def steady(service: str, minutes: int = 6_000, **per_step: float) -> Series:
    """Counters of outcomes that rise by so much in each step."""
    made: dict[str, str] = {}
    for outcome, count in per_step.items():
        made |= tx(service, outcome, f"0+{count}x{minutes}")
    return made


def run(directory: Path, rules: str, alert: str, cases: Sequence[Case]) -> str:
    """What `promtool` objects to; empty when every case comes out as it says."""
    program = shutil.which("promtool")
    assert program, "promtool is not installed: install the package prometheus, or run `make test`"
    directory.mkdir(exist_ok=True)
    (directory / "rules.yml").write_text(rules)
    files = []
    for number, case in enumerate(cases):
        file = directory / f"case-{number}.yml"
        file.write_text(yaml.safe_dump(_document(alert, case, rules)))
        files.append(str(file))
    done = subprocess.run([program, "test", "rules", *files], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _document(alert: str, case: Case, rules: str) -> dict[str, Any]:
    test: dict[str, Any] = {
        "interval": case.step,
        "input_series": [
            {"series": series, "values": _clipped(values, _steps(case))} for series, values in case.series.items()
        ],
    }
    if case.annotations:
        expected = {"exp_labels": dict(case.fires[0]), "exp_annotations": dict(case.annotations)}
        test["alert_rule_test"] = [{"eval_time": case.at, "alertname": alert, "exp_alerts": [expected]}]
    else:
        samples = [
            {"labels": "{" + ",".join(f'{k}="{v}"' for k, v in sorted(labels.items())) + "}", "value": 1}
            for labels in case.fires
        ]
        by = ", ".join(sorted({label for labels in case.fires for label in labels})) or "severity"
        query = f'count by ({by}) (ALERTS{{alertname="{alert}",alertstate="firing"}})'
        test["promql_expr_test"] = [{"expr": query, "eval_time": case.at, "exp_samples": samples}]
    return {
        "rule_files": ["rules.yml"],
        "evaluation_interval": case.step,
        "group_eval_order": [name for name in GROUPS if name in rules],
        "tests": [test],
    }


def _steps(case: Case) -> int:
    """How many steps a case lasts; series need not go on for longer."""
    unit = {"m": 1, "h": 60}
    at = sum(int(number) * unit[name] for number, name in re.findall(r"(\d+)([mh])", case.at))
    return at // (int(case.step[:-1]) * unit[case.step[-1]]) + 2


def _clipped(values: str, steps: int) -> str:
    return re.sub(r"x(\d+)", lambda times: f"x{min(int(times[1]), steps)}", values)
