from __future__ import annotations

from pathlib import Path

import pytest

from lgsp.clock import ManualClock
from lgsp.forwarding.signed import SignedPost, signed

SECRET = b"a secret of 26 characters."
CAME = list[tuple[str, bytes, dict[str, str]]]


def posting(directory: Path, why: str = "") -> tuple[SignedPost, CAME]:
    came: CAME = []

    async def post(url: str, body: bytes, headers: dict[str, str]) -> str:
        came.append((url, body, headers))
        return why

    return SignedPost(post, directory, ManualClock(1_000.5)), came


async def test_what_is_signed_has_id_time_and_signature(tmp_path: Path) -> None:
    (tmp_path / "desk").write_bytes(SECRET + b"\n")
    post, came = posting(tmp_path)
    assert await post("http://desk.example/", "t-1.1", b"{}", {"x-kind": "paid"}, "desk") == ""
    # By hand: base64 of HMAC-SHA256 with the secret over `t-1.1.1000.{}`.
    signature = "v1,OU24c1lQE+nChz1EFfwOZma65CYxLbp8fhWfPWMx8sk="
    told = {"x-kind": "paid", "webhook-id": "t-1.1", "webhook-timestamp": "1000", "webhook-signature": signature}
    assert came == [("http://desk.example/", b"{}", told)]
    assert signed(SECRET, "t-1.1", 1000, b"{}") == signature


async def test_without_a_secret_it_is_not_signed_and_says_who_it_is(tmp_path: Path) -> None:
    post, came = posting(tmp_path, "it answered 500")
    assert await post("http://desk.example/", "t-1.1", b"", {}, "") == "it answered 500"
    assert came == [("http://desk.example/", b"", {"webhook-id": "t-1.1", "webhook-timestamp": "1000"})]


@pytest.mark.parametrize("content", [None, b"short"])
async def test_with_a_secret_that_is_none_nothing_goes_out(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "desk").write_bytes(content)
    post, came = posting(tmp_path)
    assert (await post("http://desk.example/", "t-1.1", b"", {}, "desk")).startswith("desk: ")
    assert came == []
