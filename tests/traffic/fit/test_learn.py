from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator

import pytest

from lgsp.capture.record import CONNECTOR, Answered, Asked, Body, Record
from lgsp.catalogue.parse import parse_services
from lgsp.catalogue.service import Fixed, Lognormal, Service
from lgsp.catalogue.source import Source
from lgsp.clock import ManualClock
from lgsp.errors import SettingsError
from lgsp.model import Outcome
from lgsp.runtime.rehearsal import rehearse
from lgsp.traffic.fit.learn import Learned, learn

PLATE = {"plate": "30A-1", "owner": "An", "note": "{{ not ours }}", "serial": 12345678901234567}


def a_record(
    url: str = "/vehicles/30A-1", status: int = 200, body: object = PLATE, seconds: float = 0.1, **fields: object
) -> Record:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given: dict[str, object] = {
        "t": 0,
        "request": Asked("GET", url),
        "reply": Answered(status, body=Body.of(data)),
        "times": {"total": int(seconds * 1e9)},
    }
    return Record(**(given | fields))  # type: ignore[arg-type]  # as each test has it


def loaded(learned: Learned) -> Service:
    return parse_services([Source("new.yaml", learned.text.encode())], has_module=lambda _: False)["new"]


def traffic(calls: int = 4_000) -> Iterator[Record]:
    chance = random.Random(7)
    for number in range(calls):
        seconds = 0.08 * math.exp(chance.gauss(0, 0.8))
        status = {0: 500, 1: 400, 2: 404}.get(number % 50, 200)
        body: object = {"error": status} if status != 200 else PLATE | {"plate": f"30A-{number % 40}"}
        yield a_record(f"http://x.example/vehicles/30A-{number % 40}?deep=1", status, body, seconds)
    yield from (a_record("/vehicles", body=[{"plate": "30A-1"}], seconds=0.08) for _ in range(10))


async def test_a_service_is_learned_that_loads_and_answers_its_examples() -> None:
    learned = learn("new", traffic(), 0.03)
    service = loaded(learned)
    assert {name: operation.weight for name, operation in service.operations.items()} == {
        "GET /vehicles/{vehicle}": 4_000,
        "GET /vehicles": 10,
    }
    assert service.errors is not None
    assert dict(service.errors.rates) == pytest.approx({Outcome.PROVIDER_ERROR: 0.01995, Outcome.REJECTED: 0.01995})
    assert service.latency is not None
    law = service.latency.distribution
    assert isinstance(law, Lognormal)
    assert (law.p50, law.p99) == pytest.approx((0.08, 0.08 * math.exp(0.8 * 2.326)), rel=0.05)
    assert learned.fits_well
    assert [one.differs for one in await rehearse(service, ManualClock())] == [(), ()]


async def test_what_stood_in_the_path_is_taken_from_the_path() -> None:
    service = loaded(learn("new", [a_record()], 0.03))
    body = service.operations["GET /vehicles/{vehicle}"].replies[0].steps[0].body
    assert isinstance(body, dict)
    assert (body["plate"], body["owner"], body["serial"]) == ("{{ path.vehicle }}", "An", "12345678901234567")
    assert [one.differs for one in await rehearse(service, ManualClock())] == [()]


async def test_calls_of_ours_keep_their_operation_and_have_the_connector_s_time() -> None:
    ours = a_record(
        "/registry/v1/cars/alpha", seconds=5.0, service="registry", operation="GET /cars/{plate}", outcome="ok", tx="1"
    )
    there = Record(t=0, tap=CONNECTOR, tx="1", times={"total": 200_000_000})
    service = loaded(learn("new", [ours, there], 0.03))
    assert list(service.operations) == ["GET /cars/{plate}"]
    assert service.operations["GET /cars/{plate}"].examples[0].request.path == "/cars/alpha"
    assert service.latency is not None
    assert service.latency.distribution == Fixed(seconds=0.2)


def drawn(url: str, p50: float, calls: int, chance: random.Random) -> Iterator[Record]:
    return (a_record(url, body={}, seconds=p50 * math.exp(chance.gauss(0, 0.5))) for _ in range(calls))


@pytest.mark.parametrize(
    ("slow", "own"), [(0.08, ()), (0.081, ()), (0.8, ("GET /reports",))], ids=["the same", "chance", "another"]
)
def test_an_operation_that_differs_has_a_latency_of_its_own(slow: float, own: tuple[str, ...]) -> None:
    chance = random.Random(7)
    records = [*drawn("/cars", 0.08, 3_000, chance), *drawn("/owners", 0.08, 1_000, chance)]
    learned = learn("new", [*records, *drawn("/reports", slow, 500, chance)], 0.03)
    service = loaded(learned)
    assert [law.operations for law in learned.laws] == [(), own][: 1 + bool(own)]
    assert sum(law.times for law in learned.laws) == 4_500
    assert learned.fits_well
    assert all(law.chosen.family == "lognormal" and law.chosen.distance <= law.bound for law in learned.laws)
    assert {name for name, operation in service.operations.items() if operation.latency} == set(own)
    for name in own:
        latency = service.operations[name].latency
        assert latency is not None
        assert isinstance(latency.distribution, Lognormal)
        assert latency.distribution.p50 == pytest.approx(slow, rel=0.06)
        assert (
            f"# Its times differ from the others': lognormal, distance {learned.laws[1].chosen.distance:.4f}"
            in learned.text
        )


def test_a_few_calls_of_an_operation_cannot_say_that_it_differs() -> None:
    chance = random.Random(7)
    records = [*drawn("/cars", 0.08, 3_000, chance), *drawn("/reports", 8.0, 2, chance)]
    assert [law.operations for law in learn("new", records, 0.03).laws] == [()]


def test_a_bad_fit_of_one_operation_is_one_of_the_whole() -> None:
    chance = random.Random(7)
    odd = [a_record("/reports", seconds=(0.01, 0.3, 9.0)[n % 3]) for n in range(3_000)]
    learned = learn("new", [*drawn("/cars", 0.08, 4_000, chance), *odd], 0.03)
    assert [(law.operations, law.fits_well) for law in learned.laws] == [((), True), (("GET /reports",), False)]
    assert not learned.fits_well


def test_times_at_connectors_are_of_the_operation_that_they_name() -> None:
    def ours(path: str, operation: str, seconds: float) -> Iterator[Record]:
        yield a_record(path, seconds=5.0, operation=operation, outcome="ok", tx="1")
        yield Record(t=0, tap=CONNECTOR, tx="1", operation=operation, times={"total": int(seconds * 1e9)})

    records = [each for _ in range(200) for each in (*ours("/a", "GET /a", 0.2), *ours("/b", "GET /b", 0.3))]
    service = loaded(learn("new", records, 0.03))
    assert service.latency is not None
    assert service.latency.distribution == Fixed(seconds=0.2)
    other = service.operations["GET /b"].latency
    assert other is not None
    assert other.distribution == Fixed(seconds=0.3)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Answered(0), Outcome.TIMEOUT),
        (None, Outcome.TIMEOUT),
        (Answered(200), Outcome.OK),
        (Answered(404), Outcome.BUSINESS_FAULT),
        (Answered(403), Outcome.REJECTED),
        (Answered(502), Outcome.PROVIDER_ERROR),
    ],
)
def test_without_an_outcome_the_status_says_it(reply: Answered | None, outcome: Outcome) -> None:
    assert learn("new", [a_record(reply=reply)], 0.03).outcomes == {outcome: 1}


async def test_a_created_thing_keeps_its_status_and_xml_its_text() -> None:
    made = a_record("/orders", 201, {"id": "7"}, request=Asked("POST", "/orders", body=Body.of(b'{"a": 1}')))
    xml = a_record("/xml", body=b"<a>1</a>")
    service = loaded(learn("new", [made, xml], 0.03))
    assert service.operations["POST /orders"].replies[0].steps[0].status == 201
    assert json.loads(service.operations["POST /orders"].examples[0].request.body) == {"a": 1}
    assert [one.differs for one in await rehearse(service, ManualClock())] == [(), ()]


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"plain words", b"{not json", b"[" * 30_000])
def test_a_reply_that_cannot_be_shown_leaves_an_operation_that_echoes(body: bytes) -> None:
    service = loaded(learn("new", [a_record(body=body)], 0.03))
    assert service.operations["GET /vehicles/{vehicle}"].replies == ()


def test_what_follows_no_law_is_a_bad_fit() -> None:
    learned = learn("new", [a_record(seconds=(0.01, 0.3, 9.0)[n % 3]) for n in range(5_000)], 0.03)
    assert not learned.fits_well
    assert "percentiles" in learned.text
    assert loaded(learned).latency is not None


def test_what_can_be_no_operation_is_named_and_left_out() -> None:
    learned = learn("new", [a_record(), a_record(request=Asked("PROPFIND", "/a"))], 0.03)
    assert learned.left_out == ["PROPFIND /a"]
    assert list(loaded(learned).operations) == ["GET /vehicles/{vehicle}"]


def test_without_times_nothing_is_said_about_latency() -> None:
    learned = learn("new", [a_record(times={})], 0.03)
    assert (learned.laws, learned.fits_well, loaded(learned).latency) == ([], True, None)


@pytest.mark.parametrize("records", [[], [Record(t=0)], [a_record(request=Asked("PROPFIND", "/a"))]])
def test_where_nothing_can_be_learned_it_says_so(records: list[Record]) -> None:
    with pytest.raises(SettingsError, match=r"nothing can be learned|no call asked"):
        learn("new", records, 0.03)
