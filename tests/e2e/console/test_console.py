"""The console in a real browser: what it shows is what was sent, in both languages, idle, in trouble, and when it is cut off."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
from playwright.sync_api import Page, expect
from screens import Screen

from lgsp.edge.phrases import Language, phrases

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]
CHECKS = (Path(__file__).parent / "checks.js").read_text()
EVIL = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
SPARE = f"""\
vehicle-registry:
  title: {json.dumps(EVIL)}
  operations:
    GET /vehicles/{{plate}}:
      reply: {{plate: "{{{{ path.plate }}}}"}}
"""
PAST = """\
zone: Asia/Ho_Chi_Minh
calls: 1000
parts: {all: {share: 100%}}
period: {from: "2023-05-11", to: "2023-05-24", calls: 1400000, official: 99%, services: 1}
failures: {timeout: 100%}
services: {e-office: {share: 100%, official: 99%}}
"""


class Bus:
    """A `lgsp up` without traffic of its own but with a past, on a configuration that a test may add to."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "config"
        self.state = directory / "state"
        done = subprocess.run(
            [sys.executable, "-m", "lgsp", "init", str(self.config)], check=False, capture_output=True
        )
        assert done.returncode == 0, done.stderr
        (directory / "past.yaml").write_text(PAST)
        words = ["history", "--until", "now", "--scenario", str(directory / "past.yaml"), "--state", str(self.state)]
        done = subprocess.run([sys.executable, "-m", "lgsp", *words], check=False, capture_output=True)
        assert done.returncode == 0, done.stderr
        self.process = self._process("127.0.0.1:0", "127.0.0.1:0")

    def _process(self, listen: str, admin: str) -> processes.Process:
        words = ["up", "--no-traffic", "--listen", listen, "--admin", admin, "--config", str(self.config)]
        return processes.Process(words, self.state, ready="try  ")

    def start(self) -> None:
        self.process.start()
        self.gateway = self.process.found(r"gateway +(http://\S+)")
        self.admin = self.process.found(r"admin +(http://\S+)")
        self.link = self.process.found(r"console +(http://\S+)")
        self._token = processes.token_of(self.gateway, self.state)

    def again(self) -> None:
        """The same once more, on the same ports."""
        self.process = self._process(self.gateway.rpartition("/")[2], self.admin.rpartition("/")[2])
        self.start()

    def call(self, outcome: str = "ok", number: int = 1) -> list[str]:
        """So many calls of one service that end so (empty: as they do by themselves); their ids."""
        ids = []
        force = {"X-Lgsp-Force": f"outcome={outcome}"} if outcome else {}
        for _ in range(number):
            request = urllib.request.Request(
                f"{self.gateway}/truclienthong/v1.0.0/vanbans?donVi=000.00.05.H47",
                headers={"Authorization": f"Bearer {self._token}"} | force,
            )
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    ids.append(answer.headers["X-Transaction-Id"])
            except urllib.error.HTTPError as error:
                ids.append(error.headers["X-Transaction-Id"])
                error.close()
        return ids

    def twin(self) -> Any:
        return processes.get_json(f"{self.admin}/?format=json")


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    made = Bus(tmp_path_factory.mktemp("console"))
    made.start()
    yield made
    made.process.kill()


def row(page: Page, service: str) -> Any:
    return page.locator(f'#rows tr[data-service="{service}"]')


def live(page: Page) -> Page:
    expect(page.locator("body")).to_have_attribute("data-pulse", "live")
    return page


def digits(text: str) -> int:
    return int(re.sub(r"\D", "", text))


@pytest.mark.parametrize("language", ["vi", "en"])
def test_an_idle_bus_is_one_grey_screen_that_everybody_can_read(bus: Bus, screen: Screen, language: Language) -> None:
    page = live(screen.open(bus.admin, language=language, dark=language == "en"))
    say = phrases(language)
    assert page.locator("html").get_attribute("lang") == language
    expect(page.locator("#rows tr")).to_have_count(28)
    expect(page.locator('#rows tr[data-state="quiet"]').first.locator(".state")).to_have_text(f"○ {say['quiet']}")
    assert page.locator('#rows tr[data-state="well"]').count() == 0
    assert "%" not in page.locator("#sli").inner_text()
    size = page.evaluate("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]")
    assert size == [1080, 1920]
    inner = page.evaluate(
        "(e => [e.scrollHeight - e.clientHeight, e.scrollWidth - e.clientWidth])(document.querySelector('.services .scroll'))"
    )
    assert inner == [0, 0]
    seen = page.evaluate(CHECKS)
    assert seen["looked"] > 300
    assert seen["found"] == []
    screen.shot(page, f"idle-{language}")
    assert screen.mistakes == []


def test_what_was_sent_is_what_stands_there(bus: Bus, screen: Screen) -> None:
    page = live(screen.open(bus.admin, language="en"))
    before = bus.twin()
    had = next(each for each in before["services"] if each["service"] == "e-office")
    bus.call("ok", 7)
    bus.call("business_fault", 2)
    bus.call("rejected", 1)
    [timeout] = bus.call("provider_error", 1)
    line = row(page, "e-office")
    expect(line.locator(".year")).to_have_text(str(had["year"] + 11))
    assert digits(page.locator("#today").inner_text()) == before["today"]["all"] + 11
    assert digits(page.locator("#year").inner_text()) == before["year"]["all"] + 11
    twin = bus.twin()
    told = next(each for each in twin["services"] if each["service"] == "e-office")
    assert told["year"] == had["year"] + 11
    assert told["calls"] - had["calls"] == 10
    assert told["failed"] - had["failed"] == 1
    assert twin["year"]["official"] == before["year"]["official"] + 9
    assert (
        line.locator(".sli").inner_text() == f"{int((1 - told['failed'] / told['calls']) * 10_000 + 1e-6) / 100:.2f} %"
    )
    first = page.locator("#feed tr").first
    expect(first).to_contain_text(timeout)
    expect(first).to_contain_text("forced")
    samples = processes.get(f"{bus.admin}/metrics")[1].decode()
    counted = re.findall(r'lgsp_transactions_total\{outcome="\w+",service="e-office"\} (\d+)', samples)
    assert sum(map(int, counted)) == told["year"]
    assert re.search(r"^lgsp_console_clients 1\.0$", samples, re.MULTILINE)
    csv = processes.get(f"{bus.admin}/?format=csv")[1].decode().splitlines()
    assert len(csv) == 29
    assert screen.mistakes == []


def test_a_transaction_is_found_by_its_id_and_a_service_opens_with_its_hour(bus: Bus, screen: Screen) -> None:
    [failed] = bus.call("timeout")
    page = live(screen.open(bus.admin, language="en"))
    expect(page.locator("#feed tr").first).to_contain_text(failed)
    page.keyboard.press("/")
    page.keyboard.type(failed)
    page.keyboard.press("Enter")
    expect(page.locator("#found pre")).to_contain_text(f"Transaction {failed}")
    page.locator("#find-text").fill("nobody's")
    page.keyboard.press("Enter")
    expect(page.locator("#found")).to_have_text(phrases("en")["find-none"])
    page.keyboard.press("Escape")
    expect(page.locator("#find")).to_be_hidden()
    page.locator("#rows tr").first.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#drawer")).to_be_visible()
    expect(page.locator("#drawer .hour")).to_have_count(3)
    expect(page.locator("#drawer .slowest li").first).to_contain_text("answered")
    expect(page).to_have_url(re.compile("service=e-office"))
    assert page.evaluate(CHECKS)["found"] == []
    screen.shot(page, "drawer-en")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    assert len(screen.mistakes) == 1
    assert "404" in screen.mistakes[0]  # nobody's


def test_the_search_answers_what_a_board_s_link_asks_without_a_script(bus: Bus, screen: Screen) -> None:
    [failed] = bus.call("unreachable")
    bus.call("ok")
    asked = f"{bus.admin}/transactions?service=e-office&outcome=unreachable&from=5m"
    page = screen.open(asked, language="en")
    assert page.locator("script").count() == 0
    lines = page.locator(".found tbody tr")
    ids = lines.locator(".id").all_inner_texts()
    assert ids[0] == failed
    assert set(lines.locator(".outcome").all_inner_texts()) == {"✖ unreachable"}
    assert [each["id"] for each in processes.get_json(f"{asked}&format=json")["transactions"]] == ids
    assert page.evaluate(CHECKS)["found"] == []
    screen.shot(page, "search-en")
    page.goto(f"{bus.admin}/transactions?service=e-office&from=1684886400000&to=1684972800000&lang=vi")
    expect(page.locator(".count")).to_have_text(phrases("vi")["none-found"])
    assert screen.mistakes == []


def test_the_language_changes_by_a_key_and_stays_in_the_address(bus: Bus, screen: Screen) -> None:
    page = live(screen.open(bus.admin, language="vi"))
    page.keyboard.press("l")
    page.wait_for_url("**/?lang=en")
    live(page)
    assert page.locator("html").get_attribute("lang") == "en"
    page.keyboard.press("t")
    expect(page).to_have_url(re.compile("lang=en&theme=dark"))
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.keyboard.press("p")
    expect(page.locator("body")).to_have_attribute("data-pulse", "frozen")
    was = page.locator("#year").inner_text()
    bus.call("ok")
    processes.until(lambda: bus.twin()["year"]["all"] > digits(was), "one more call")
    expect(page.locator("#pulse-word")).to_have_text(re.compile(r"\b[01] s$"))
    assert page.locator("#year").inner_text() == was
    page.keyboard.press("p")
    expect(page.locator("#year")).not_to_have_text(was)
    assert screen.mistakes == []


@pytest.mark.parametrize(("language", "word"), [("vi", "mô phỏng"), ("en", "synthetic")])
def test_a_past_is_hatched_up_to_the_seam_said_to_be_one_and_in_no_other_figure(
    bus: Bus, screen: Screen, language: Language, word: str
) -> None:
    page = live(screen.open(bus.admin, language=language))
    expect(page.locator("#past")).to_contain_text(word)
    twin = bus.twin()
    past, about = twin["past"], twin["past"]["about"]
    said = page.locator("#past").inner_text()
    assert "2023" in said
    assert f"+ {about['calls']:,}".replace(",", "." if language == "vi" else ",") in said
    assert about["calls"] >= 1_400_000
    simulated = [place for place, calls in enumerate(past["simulated"]) if calls]
    assert (simulated[-1], past["seam"]) == (26, 27)
    heights = [
        float(bar.get_attribute("height") or 0)
        for bar in page.locator("#days rect.simulated[fill='url(#hatch)']").all()
    ]
    assert [place for place, height in enumerate(heights) if height] == simulated
    seam = page.locator("#days line.seam")
    assert float(seam.get_attribute("x1") or 0) == pytest.approx(27 * 300 / 28)
    bus.call("ok", 2)
    expect(page.locator("#year")).to_have_text(str(twin["year"]["all"] + 2))
    assert digits(page.locator("#today").inner_text()) == twin["today"]["all"] + 2
    screen.shot(page, f"past-{language}")
    assert screen.mistakes == []


def test_it_prints_to_one_page(bus: Bus, screen: Screen) -> None:
    page = live(screen.open(bus.admin, dark=True))
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 1
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 1060, "height": 740})
    screen.shot(page, "print-vi")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_service_registered_meanwhile_appears_and_its_title_is_no_markup(bus: Bus, screen: Screen) -> None:
    page = live(screen.open(bus.admin, language="en"))
    expect(page.locator("#rows tr")).to_have_count(28)
    (bus.config / "services.d").mkdir(exist_ok=True)
    (bus.config / "services.d" / "vehicle-registry.yaml").write_text(SPARE, encoding="utf-8")
    line = row(page, "vehicle-registry")
    expect(line.locator(".service")).to_have_text(EVIL, timeout=15_000)
    expect(page.locator("#rows tr")).to_have_count(29)
    expect(page.locator('#map [data-service="vehicle-registry"] title')).to_contain_text("<script>")
    line.click()
    expect(page.locator("#drawer-title")).to_have_text(EVIL)
    assert page.title() == phrases("en")["title"]
    assert page.evaluate("[document.scripts.length, document.images.length]") == [1, 0]
    page.goto(f"{bus.admin}/transactions?id={urllib.parse.quote(EVIL)}&service={urllib.parse.quote(EVIL)}")
    assert page.locator("script").count() == 0
    assert page.locator("input[name=id]").input_value() == EVIL
    (bus.config / "services.d" / "vehicle-registry.yaml").unlink()
    page.goto(bus.admin)
    expect(page.locator("#rows tr")).to_have_count(28, timeout=15_000)
    assert screen.mistakes == []


def test_an_outage_is_injected_by_who_has_the_link_alone_seen_and_ended(bus: Bus, screen: Screen) -> None:
    stranger = live(screen.open(bus.admin, language="en"))
    expect(stranger.locator("#need-link")).to_be_visible()
    expect(stranger.locator("#inject")).to_be_hidden()
    assert processes.send(urllib.request.Request(f"{bus.admin}/lgsp/v1/faults", method="DELETE"))[0] == 401
    page = live(screen.open(bus.link, language="en"))
    page.locator("#fault-service").select_option("e-office")
    page.locator("#fault-kind").select_option("outage")
    page.locator("#inject button").click()
    expect(page.locator("#faults li")).to_contain_text("⚡ outage")
    expect(stranger.locator("#faults li")).to_contain_text("Provincial E-office")
    bus.call("", 50)
    first = page.locator("#rows tr").first
    expect(first).to_have_attribute("data-service", "e-office")
    expect(first.locator(".state")).to_have_text(re.compile("✖ down|▲ burning"))
    lane = page.locator('#map [data-service="e-office"]')
    expect(lane).to_have_attribute("data-blame", "provider")
    expect(page.locator("#burning")).to_have_text("▲ 1 of 28")
    expect(page.locator("#feed tr").first.locator(".segment")).to_have_text("provider")
    expect(page.locator("#feed tr")).to_have_count(50)
    assert page.evaluate(CHECKS)["found"] == []
    screen.shot(page, "outage-en")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(CHECKS)["found"] == []
    screen.shot(page, "outage-en-dark")
    page.locator("#faults button").click()
    expect(page.locator("#no-faults")).to_be_visible()
    updates = page.evaluate("performance.getEntriesByName('update').map(entry => entry.duration)")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    print(f"first paint {paint:.0f} ms, an update {sorted(updates)[len(updates) // 2]:.1f} ms of scripting (median)")
    assert screen.mistakes == []


@pytest.mark.timeout(90)
def test_a_gateway_that_stops_leaves_a_hatched_screen_and_one_that_comes_back_is_followed(
    bus: Bus, screen: Screen
) -> None:
    page = live(screen.open(bus.admin, language="vi"))
    before = digits(page.locator("#year").inner_text())
    bus.process.kill()
    expect(page.locator("body")).to_have_attribute("data-pulse", "stale", timeout=15_000)
    expect(page.locator("#pulse-word")).to_contain_text("▨ mất kết nối")
    assert digits(page.locator("#year").inner_text()) == before
    ground = page.evaluate("getComputedStyle(document.querySelector('main')).backgroundImage")
    assert "repeating-linear-gradient" in ground
    screen.shot(page, "stale-vi")
    bus.again()
    bus.call("ok", 3)
    expect(page.locator("body")).to_have_attribute("data-pulse", "live", timeout=30_000)
    expect(page.locator("#year")).to_have_text(str(before + 3))
    expect(page.locator("#notice")).to_contain_text("đã kết nối lại")
    assert all("ERR_" in mistake for mistake in screen.mistakes), screen.mistakes
