"""Files that come with lgsp, to be read in a browser: nothing is fetched from elsewhere, nothing runs that is not ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from html import escape

from aiohttp import web

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action {forms}; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": _POLICY.format(forms="'none'"),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
WITH_FORMS: Mapping[str, str] = {**HEADERS, "Content-Security-Policy": _POLICY.format(forms="'self'")}
"""The same for pages with a form that asks us."""


@dataclass(frozen=True, slots=True)
class Content:
    """Something to send, and the tag that changes with it."""

    body: bytes
    content_type: str
    etag: str


def content(body: bytes, content_type: str) -> Content:
    """The bytes with their tag."""
    return Content(body, content_type, f'"{blake2b(body, digest_size=12).hexdigest()}"')


def answer(http: web.BaseRequest, given: Content, headers: Mapping[str, str] = HEADERS) -> web.Response:
    """The content, or that the browser has it already."""
    if http.method not in {"GET", "HEAD"}:
        return web.Response(status=405, headers={"Allow": "GET, HEAD"})
    tagged = {**headers, "ETag": given.etag}
    asked = [tag.strip().removeprefix("W/") for tag in http.headers.get("If-None-Match", "").split(",")]
    if given.etag in asked or "*" in asked:
        return web.Response(status=304, headers=tagged)
    return web.Response(body=given.body, headers={**tagged, "Content-Type": given.content_type})


def filled(page: str, phrases: Mapping[str, str], parts: Mapping[str, str]) -> str:
    """A page with its phrases, `{{name}}`, escaped, and its parts, `[[name]]`, as they are.

    The parts go in at once: what a caller wrote in one of them is looked at no more.
    """
    for name, text in phrases.items():
        page = page.replace("{{" + name + "}}", escape(text))
    first, *pieces = page.split("[[")
    return first + "".join(parts[name] + rest for name, _, rest in (piece.partition("]]") for piece in pieces))
