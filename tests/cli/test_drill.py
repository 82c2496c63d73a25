"""`lgsp drill score` over a made-up Prometheus: words, JSON and exit codes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result

from lgsp.cli import lgsp
from lgsp.monitoring.drill import Window, as_record

SINCE = 1_700_000_000.0


class Made(BaseHTTPRequestHandler):
    """Answers as Prometheus: rules of ours every second, and the alerts it was given."""

    fired: list[tuple[dict[str, str], list[float]]]
    asked: list[str]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/api/v1/rules":
            data: Any = {"groups": [{"interval": 1, "rules": [{"name": "LGSPWatchdog"}]}]}
        else:
            self.asked += parse_qs(parts.query)["query"]
            result = [{"metric": labels, "values": [[at, "1"] for at in times]} for labels, times in self.fired]
            data = {"result": result}
        body = json.dumps({"status": "success", "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def prometheus() -> Iterator[tuple[str, type[Made]]]:
    made = type("Told", (Made,), {"fired": [], "asked": []})
    with HTTPServer(("127.0.0.1", 0), made) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", made
        server.shutdown()
        thread.join()


def alert(name: str, start: float, service: str = "a") -> tuple[dict[str, str], list[float]]:
    labels = {"alertname": name, "severity": "page"} | ({"service": service} if service else {})
    return labels, [SINCE + start + n for n in range(5)]


def scored(url: str, directory: Path, *words: str, since: float = SINCE) -> Result:
    window = Window("outage", "outage of a", ("a",), since, since + 60, ("LGSPServiceDown",))
    records = directory / "drills"
    records.mkdir(exist_ok=True)
    (records / "1-outage.json").write_text(json.dumps(as_record([window], 60)))
    return CliRunner().invoke(lgsp, ["drill", "score", "--prometheus", url, "--state", str(directory), *words])


def test_what_was_told_of_is_said_with_its_delay(prometheus: tuple[str, type[Made]], tmp_path: Path) -> None:
    url, made = prometheus
    made.fired = [alert("LGSPServiceDown", 12)]
    done = scored(url, tmp_path, "--match", 'env="prod"')
    assert done.exit_code == 0, done.output
    assert " ".join(done.stdout.splitlines()[1].split()) == "outage outage of a LGSPServiceDown detected 12.0 s"
    assert done.stderr == "1 of 1 detected, 0 false pages\n"
    assert made.asked == ['ALERTS{alertname=~"LGSP.+",alertname!="LGSPWatchdog",alertstate="firing",env="prod"}[69s]']


def test_a_miss_and_a_false_page_are_findings(prometheus: tuple[str, type[Made]], tmp_path: Path) -> None:
    url, made = prometheus
    made.fired = [alert("LGSPServiceDown", 12, service="b")]
    done = scored(url, tmp_path, "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["detected"], told["missed"]) == (1, 0, 1)
    assert [(each["alert"], each["service"], each["start"]) for each in told["false_pages"]] == [
        ("LGSPServiceDown", "b", SINCE + 12)
    ]
    assert (told["troubles"][0]["verdict"], told["troubles"][0]["delay_seconds"]) == ("missed", None)
    said = scored(url, tmp_path)
    assert "false page: LGSPServiceDown b at 22:13:32 UTC, for 4 s\n" in said.stdout


def test_while_alerts_may_still_come_nothing_is_judged(prometheus: tuple[str, type[Made]], tmp_path: Path) -> None:
    done = scored(prometheus[0], tmp_path, since=4e9)
    assert (done.exit_code, done.stdout) == (4, "")
    assert "alerts may still come" in done.stderr


def test_what_cannot_be_scored_says_what_to_do(tmp_path: Path) -> None:
    none = CliRunner().invoke(lgsp, ["drill", "score", "--prometheus", "http://127.0.0.1:9", "--state", str(tmp_path)])
    assert "lgsp drill run FILE" in str(none.exception)
    gone = scored("http://127.0.0.1:9", tmp_path)
    assert "http://127.0.0.1:9 does not answer" in str(gone.exception)
    (tmp_path / "odd.json").write_text("{}")
    odd = scored("http://127.0.0.1:9", tmp_path, str(tmp_path / "odd.json"))
    assert "what was read is no record of a drill" in str(odd.exception)


def test_a_drill_of_a_broker_wants_the_node_before_anything_is_begun(tmp_path: Path) -> None:
    file = Path(__file__).parents[2] / "config" / "scenarios" / "drills" / "broker-stop.yaml"
    done = CliRunner().invoke(lgsp, ["drill", "run", str(file), "--state", str(tmp_path)])
    assert "with --node" in str(done.exception)
