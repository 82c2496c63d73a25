"""The exchanges of a calm bus in a real browser."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from screens import Screen

from lgsp import testing
from lgsp.edge.phrases import Language, phrases

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]
WRONG = "4000000001"


@pytest.fixture(scope="module")
def bus() -> Iterator[testing.Bus]:
    with testing.bus() as made:
        form = {"grant_type": "client_credentials", "client_id": made.key, "client_secret": made.secret}
        with urllib.request.urlopen(f"{made.url}/token", urllib.parse.urlencode(form).encode(), timeout=10) as answer:
            token = json.load(answer)["access_token"]
        for code in ("4023093745", WRONG):
            url = f"{made.url}/apiCSDLDKDN/1.0/chiTietDoanhNghiep?msdn={code}"
            asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
            try:
                urllib.request.urlopen(asked, timeout=10).close()
            except urllib.error.HTTPError as error:
                error.close()
        yield made


@pytest.mark.parametrize("language", ["vi", "en"])
def test_request_reply_and_the_wrong_field_are_read_from_the_console_on(bus: testing.Bus, screen: Screen, language: Language) -> None:  # fmt: skip
    say = phrases(language)
    page = screen.open(bus.admin, language=language, dark=language == "en")
    page.get_by_role("link", name=say["exchanges"]).click()
    expect(page).to_have_title(f"LGSP · {say['exchanges']}")
    assert page.locator("html").get_attribute("lang") == language
    each = page.locator(".exchange")
    expect(each).to_have_count(2)
    refused = each.first
    expect(refused.locator(".outcome")).to_have_text(say["rejected"])
    expect(refused.locator(".wrong")).to_have_text(f"{say['wrong-field']} msdn")
    expect(refused.locator("pre").first).to_be_hidden()
    refused.locator("summary").click()
    expect(refused.locator(".asked")).to_contain_text(f"GET /chiTietDoanhNghiep?msdn={WRONG}")
    expect(refused.locator(".answered")).to_contain_text("Mã số doanh nghiệp không hợp lệ")
    screen.shot(page, f"exchanges-{language}")
    page.locator("select[name=outcome]").select_option("ok")
    page.locator("form button").click()
    expect(each.locator(".wrong")).to_have_text([""])
    assert screen.mistakes == []
