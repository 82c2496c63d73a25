from __future__ import annotations

import re

import pytest
from builders import a_request, a_service, a_transaction

from lgsp.catalogue.service import Catalogue
from lgsp.model import Outcome
from lgsp.taps.metrics import ProcessMetrics
from lgsp.taps.stored import StoredMetrics


def values(process: ProcessMetrics) -> dict[str, float]:
    """Each sample by its name, its labels in the order of the alphabet."""
    found = {}
    for name, labels, value in re.findall(
        r"^(lgsp_(?:delivery|parked)\w+)\{(.*?)\} (\S+)$", process.hold()().decode(), re.MULTILINE
    ):
        found[f"{name}{{{','.join(sorted(labels.split(',')))}}}"] = float(value)
    return found


def test_every_label_set_is_there_from_the_start_and_with_each_new_service() -> None:
    process = ProcessMetrics("1", "memory")
    metrics = StoredMetrics(process, [a_service("a")])
    assert values(process)['lgsp_parked_transactions{service="a"}'] == 0
    metrics.prepare(Catalogue({"b": a_service("b")}))()
    found = values(process)
    for service in ("a", "b"):
        assert found[f'lgsp_parked_transactions{{service="{service}"}}'] == 0
        for result in ("ok", "error"):
            assert found[f'lgsp_delivery_duration_seconds_count{{result="{result}",service="{service}"}}'] == 0


@pytest.mark.parametrize(
    ("outcome", "result"),
    [(Outcome.OK, "ok"), (Outcome.BUSINESS_FAULT, "ok"), (Outcome.REJECTED, "error"), (Outcome.TIMEOUT, "error")],
)
def test_how_long_it_took_counts_in_hours(outcome: Outcome, result: str) -> None:
    process = ProcessMetrics("1", "memory")
    metrics = StoredMetrics(process, [a_service("a")])
    for service in ("a", "nobody"):
        metrics.saw(a_transaction(outcome, request=a_request(service=service, stored=True), seconds=5_000.0))
    found = values(process)
    assert found[f'lgsp_delivery_duration_seconds_sum{{result="{result}",service="a"}}'] == 5_000
    assert found[f'lgsp_delivery_duration_seconds_bucket{{le="3600.0",result="{result}",service="a"}}'] == 0
    assert found[f'lgsp_delivery_duration_seconds_bucket{{le="14400.0",result="{result}",service="a"}}'] == 1
    assert not any("nobody" in name for name in found)


def test_what_is_parked_is_told_as_it_is() -> None:
    process = ProcessMetrics("1", "memory")
    metrics = StoredMetrics(process, [a_service("a")])
    metrics.parked("a", 3)
    metrics.parked("nobody", 1)
    assert {name: value for name, value in values(process).items() if "parked" in name} == {
        'lgsp_parked_transactions{service="a"}': 3
    }
