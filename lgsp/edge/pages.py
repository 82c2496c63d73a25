"""What the gateway tells about itself: `/openapi.json`, and `/docs` to read it, with nothing fetched from elsewhere."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from hashlib import blake2b
from importlib.resources import files

from aiohttp import web

from lgsp.catalogue.live import Commit
from lgsp.catalogue.service import Catalogue
from lgsp.edge.answers import SERVER
from lgsp.edge.gateway import Own
from lgsp.edge.openapi import Failures, document

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ASSETS = {
    "/docs": ("docs.html", "text/html; charset=utf-8"),
    "/docs/docs.css": ("docs.css", "text/css; charset=utf-8"),
    "/docs/docs.js": ("docs.js", "text/javascript; charset=utf-8"),
}


@dataclass(frozen=True, slots=True)
class _Content:
    body: bytes
    content_type: str
    etag: str


class Pages:
    """The pages of a gateway. Each version of the catalogue is rendered once, when it is first asked for."""

    def __init__(self, catalogue: Catalogue, version: str, failures: Failures = lambda *_: ()) -> None:
        self._catalogue = catalogue
        self._version = version
        self._failures = failures
        self._rendered: _Content | None = None
        self._one_at_a_time = asyncio.Lock()

    def prepare(self, new: Catalogue) -> Commit:
        """See `Taker`."""

        def commit() -> None:
            self._catalogue = new
            self._rendered = None

        return commit

    def by_path(self) -> dict[str, Own]:
        """Each reserved path with what answers it."""
        shipped = files("lgsp.edge") / "docs"
        made: dict[str, Own] = {"/openapi.json": self._openapi}
        for path, (name, content_type) in _ASSETS.items():
            made[path] = _fixed(_content((shipped / name).read_bytes(), content_type))
        return made

    async def _openapi(self, http: web.BaseRequest, _: bytes) -> web.Response:
        async with self._one_at_a_time:
            content = self._rendered
            if content is None:
                catalogue = self._catalogue
                # Tens of milliseconds in one piece: not on the loop that carries the traffic.
                content = await asyncio.to_thread(_render, catalogue, self._version, self._failures)
                if catalogue is self._catalogue:  # else a newer one came into force meanwhile
                    self._rendered = content
        return _answer(http, content)


def _render(catalogue: Catalogue, version: str, failures: Failures) -> _Content:
    text = json.dumps(document(catalogue, version, failures), ensure_ascii=False, separators=(",", ":"))
    return _content(text.encode(), "application/json; charset=utf-8")


def _content(body: bytes, content_type: str) -> _Content:
    return _Content(body, content_type, f'"{blake2b(body, digest_size=12).hexdigest()}"')


def _fixed(content: _Content) -> Own:
    async def page(http: web.BaseRequest, _: bytes) -> web.Response:
        return _answer(http, content)

    return page


def _answer(http: web.BaseRequest, content: _Content) -> web.Response:
    headers = {
        "ETag": content.etag,
        "Cache-Control": "no-cache",
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Server": SERVER,
    }
    if http.method not in {"GET", "HEAD"}:
        return web.Response(status=405, headers={"Allow": "GET, HEAD"})
    asked = [tag.strip().removeprefix("W/") for tag in http.headers.get("If-None-Match", "").split(",")]
    if content.etag in asked or "*" in asked:
        return web.Response(status=304, headers=headers)
    return web.Response(body=content.body, headers={**headers, "Content-Type": content.content_type})
