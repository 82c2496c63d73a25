from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from builders import shipped

from lgsp.app import recorded
from lgsp.app.recorded import recorded_of
from lgsp.capture.files import Writer
from lgsp.capture.record import BUS_REQUEST, Asked, Body, CaptureError, Record

SECOND = 1_000_000_000


def capture(place: Path, *records: Record) -> Path:
    path = place / "a.lgsp.jsonl"
    with Writer.create(path, {}) as writer:
        writer.write(*records)
    return path


def asks(at: float, method: str, url: str, body: bytes = b"", **headers: str) -> Record:
    return Record(int(at * SECOND), request=Asked(method, url, tuple(headers.items()), Body.of(body)))


def test_the_calls_of_a_capture_are_named_by_the_catalogue_and_come_in_their_order(tmp_path: Path) -> None:
    catalogue = shipped()
    contexts = {service.id: service.context for service in catalogue}
    path = capture(
        tmp_path,
        asks(9, "GET", f"{contexts['ioc-feed']}/kpi/b?x=1", Authorization="Bearer x", Accept="text/plain"),
        asks(7, "GET", f"{contexts['data-warehouse']}/indicators/CCHC-01"),
    )
    found = recorded_of(path, catalogue)
    assert [(call.service, call.operation, call.target, call.timeout) for call in found.calls] == [
        (
            "data-warehouse",
            "GET /indicators/{code}",
            f"{contexts['data-warehouse']}/indicators/CCHC-01",
            catalogue.find("data-warehouse").timeout + 5,
        ),
        ("ioc-feed", "GET /kpi/{code}", f"{contexts['ioc-feed']}/kpi/b?x=1", catalogue.find("ioc-feed").timeout + 5),
    ]
    assert [dict(call.headers) for call in found.calls] == [{}, {"accept": "text/plain"}]
    assert (found.moments, found.left_out) == ((0.0, 2.0), Counter())


def test_what_is_not_asked_is_counted_by_its_reason(tmp_path: Path) -> None:
    catalogue = shipped()
    here = catalogue.find("ioc-feed").context
    path = capture(
        tmp_path,
        asks(1, "GET", f"{here}/kpi/b"),
        asks(2, "GET", "/nobody/knows"),
        asks(3, "GET", f"{catalogue.find('data-warehouse').context}/indicators/X"),
        Record(4 * SECOND, BUS_REQUEST),
    )
    found = recorded_of(path, catalogue, ["ioc-feed"])
    assert len(found.calls) == 1
    assert found.left_out == Counter(
        {
            "no operation of this configuration": 1,
            "another service": 1,
            "seen at bus.request, not at the entrance": 1,
        }
    )


@pytest.mark.parametrize(("name", "most"), [("CALLS", 2), ("BYTES", 20)])
def test_more_than_is_held_at_once_is_refused_with_what_to_do(
    name: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded, name, most)
    path = capture(tmp_path, *(asks(at, "POST", "/x", b"12345678") for at in range(3)))
    with pytest.raises(CaptureError, match=r"a\.lgsp\.jsonl:3: a load holds .* cut it with lgsp capture convert"):
        recorded_of(path, shipped())
