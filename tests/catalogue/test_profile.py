from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from lgsp.catalogue.parse import parse_services
from lgsp.catalogue.profile import USUAL, window_at
from lgsp.catalogue.service import Service, Window
from lgsp.catalogue.source import Source
from lgsp.errors import CatalogueError

ZONE = "Asia/Ho_Chi_Minh"


def read(lines: str) -> Service:
    source = Source("services.yaml", f"svc:\n  title: T\n  operations: [GET /x]\n{lines}".encode())
    return parse_services([source], has_module=lambda _: False)["svc"]


def test_what_is_given_is_in_force() -> None:
    assert read('  profile: [{from: "08:00", to: "10:30", days: [mon, fri], latency: 1.8, errors: 0}]\n').profile == (
        Window(start=28_800, end=37_800, days=frozenset({"mon", "fri"}), latency=1.8, errors=0.0),
    )
    every = read('  profile: [{from: "00:00", to: "24:00"}]\n').profile[0]
    assert (every.start, every.end, len(every.days), every.latency, every.errors) == (0, 86_400, 7, 1.0, 1.0)
    assert read("").profile == ()


@pytest.mark.parametrize(
    ("local", "latency"),
    [
        ("2026-03-02T07:59:59", 1.0),
        ("2026-03-02T08:00:00", 1.8),
        ("2026-03-02T09:59:59", 1.8),
        ("2026-03-02T10:00:00", 1.0),
        ("2026-03-01T09:00:00", 1.0),
        ("2026-03-02T22:00:00", 0.6),
        ("2026-03-01T04:59:59", 0.6),
        ("2026-03-02T05:00:00", 1.0),
    ],
)
def test_the_window_that_is_open_counts(local: str, latency: float) -> None:
    profile = read(
        '  profile:\n    - {from: "08:00", to: "10:00", days: [mon], latency: 1.8}\n'
        '    - {from: "22:00", to: "05:00", latency: 0.6}\n    - {from: "09:00", to: "10:00", days: [mon], latency: 9}\n'
    ).profile
    now = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(ZONE)).timestamp()
    assert window_at(profile, ZONE, now).latency == latency


def test_without_a_profile_every_hour_is_as_the_other() -> None:
    assert window_at((), ZONE, 0.0) is USUAL


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("profile: {from: a}", "a list"),
        ("profile: [{from: 08:00, to: '10:00'}]", "quoted"),
        ("profile: [{from: '8:00', to: '10:00'}]", "'8:00' is no time of day"),
        ("profile: [{from: '25:00', to: '10:00'}]", "'25:00' is no time of day"),
        ("profile: [{from: '08:00'}]", "a window has `from` and `to`"),
        ("profile: [{from: '08:00', to: '08:00'}]", "ends at another time"),
        ("profile: [{from: '08:00', to: '09:00', days: [monday]}]", "did you mean 'mon'?"),
        ("profile: [{from: '08:00', to: '09:00', latency: 101}]", "a factor is 100 at most"),
        ("profile: [{from: '08:00', to: '09:00', latncy: 1}]", "did you mean 'latency'?"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(lines: str, says: str) -> None:
    with pytest.raises(CatalogueError, match=r"services\.yaml:4:") as caught:
        read(f"  {lines}\n")
    assert says in str(caught.value)


@pytest.mark.parametrize("errors", ["  errors: {timeout: 60%}\n", "  errors: {timeout: 30%, rejected: 30%}\n"])
def test_no_hour_fails_more_calls_than_there_are(errors: str) -> None:
    lines = "  profile: [{from: '08:00', to: '09:00', errors: 2}]\n"
    with pytest.raises(CatalogueError, match="more than 100% at some hour"):
        read(lines + errors)
    assert read(lines + "  errors: {timeout: 50%}\n").profile[0].errors == 2
