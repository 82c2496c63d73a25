"""What a system asks of the bus while people's calls are asked of it again."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from aiohttp import web
from desks import MS, run, served

from lgsp import testing
from lgsp.capture.files import Writer
from lgsp.capture.record import Asked, Record
from lgsp.catalogue.parse import read_catalogue
from lgsp.catalogue.service import Catalogue
from lgsp.cli.expecting import records_of
from lgsp.clock import SystemClock
from lgsp.edge.exchanges import PATH
from lgsp.errors import SettingsError
from lgsp.traffic.caller import Caller, Credentials

BUS = """
people:
  title: People
  operations:
    GET /people/{id}: {reply: {id: "{{ path.id }}"}}
payment:
  title: Payment
  operations:
    POST /pay: {reply: {paid: "{{ body.amount }}"}}
land:
  title: Land
  operations:
    GET /parcels/{id}: {reply: {owner: "{{ path.id }}"}}
"""
CALLER = web.AppKey("caller", Caller)
PLANTED = {"missing": 1, "extra": 2, "different": 3, "out of order": 4}


def the_system(bus: testing.Bus, planted: Collection[str]) -> web.Application:
    """A desk that looks up a citizen, takes a fee and looks up a parcel, each at the bus; with changes planted in it."""

    async def apply(http: web.Request) -> web.Response:
        who = int(http.match_info["who"])
        made = {change for change in planted if PLANTED[change] == who}
        calls = [
            ("GET", f"/people/people/00{who}", None),
            ("POST", "/payment/pay", {"amount": 100 * who + ("different" in made), "who": f"00{who}", "for": "parcel"}),
            ("GET", f"/land/parcels/00{who}", None),
        ]
        if "missing" in made:
            del calls[1]
        if "extra" in made:
            calls.append(("GET", f"/people/people/99{who}?again=1", None))
        if "out of order" in made:
            calls.reverse()
            calls[0], calls[1] = calls[1], calls[0]
        for method, path, body in calls:
            data = json.dumps(body).encode() if body else b""
            answer = await http.app[CALLER].ask(method, path, headers={"content-type": "application/json"}, body=data)
            assert answer.status == 200
        return web.json_response({"done": who})

    async def calling(app: web.Application) -> AsyncIterator[None]:
        async with Caller(bus.url, SystemClock(), credentials=Credentials(bus.key, bus.secret)) as caller:
            app[CALLER] = caller
            yield

    app = web.Application()
    app.cleanup_ctx.append(calling)
    app.router.add_get("/apply/{who}", apply)
    return app


@pytest.mark.timeout(60)
def test_what_a_system_asks_of_the_bus_is_held_against_what_it_asked_before(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "services.yaml").write_text(BUS)
    people, uat = tmp_path / "people.lgsp.jsonl", tmp_path / "uat.lgsp.jsonl"
    with Writer.create(people, {}) as writer:
        writer.write(*(Record(t=who * MS, request=Asked("GET", f"/apply/{who}")) for who in range(1, 7)))
    told: list[tuple[int, list[tuple[str, str, str]]]] = []
    with testing.bus(tmp_path / "config") as bus:
        asking = (
            "replay",
            people,
            "--speed",
            "max",
            "--max-in-flight",
            1,
            "--max-lag",
            "1h",
            "--config",
            tmp_path / "config",
            "--state",
            tmp_path,
        )
        for planted in ((), (), PLANTED):
            expects = ("--expect", uat, "--admin", bus.admin, "--junit", tmp_path / "found.xml", "--json", "--diff")
            with served(lambda planted=planted: the_system(bus, planted)) as url:  # type: ignore[misc]
                if not uat.exists():
                    run(*asking, "--to", url)
                    with (
                        urllib.request.urlopen(f"{bus.admin}{PATH}", timeout=10) as answer,
                        Writer.create(uat, {}) as writer,
                    ):
                        shown = json.load(answer)["exchanges"]
                        writer.write(*records_of(shown, read_catalogue(tmp_path / "config")))
                    continue
                code, said = run(*asking, "--to", url, *expects)
            groups = json.loads(said)["expect"]["groups"]
            told.append((code, sorted((group["service"], group["path"], group["kind"]) for group in groups)))
    assert told[0] == (0, [])
    assert told[1] == (
        1,
        [
            ("payment", "", "missing"),
            ("payment", "request.body.amount", "different"),
            ("people", "", "extra"),
            ("people", "", "out of order"),
        ],
    )
    suites = ET.fromstring((tmp_path / "found.xml").read_text())  # noqa: S314 - made by ourselves
    found = [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in suites]
    assert found == [("lgsp replay --diff", "1", "0"), ("lgsp replay --expect", "3", "2")]


def test_an_exchange_that_is_closed_is_named() -> None:
    closed = {"service": "people", "closed": "show the admin token"}
    with pytest.raises(SettingsError, match="people: show the admin token: give the bus's own --state"):
        list(records_of([closed], Catalogue({})))


def test_a_bus_that_shows_nothing_is_named(recorded: Path, tmp_path: Path) -> None:
    with served(web.Application) as url, pytest.raises(SettingsError, match="shows no exchanges: only a calm one does"):
        run(
            "replay", recorded, "--to", url, "--allow-writes", "--expect", recorded, "--admin", url, "--state", tmp_path
        )
