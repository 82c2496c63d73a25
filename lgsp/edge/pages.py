"""What the gateway tells about itself: `/openapi.json`, and `/docs` to read it, with nothing fetched from elsewhere."""

from __future__ import annotations

import asyncio
import json
from importlib.resources import files

from aiohttp import web

from lgsp.catalogue.live import Commit
from lgsp.catalogue.service import Catalogue
from lgsp.edge import assets
from lgsp.edge.answers import SERVER
from lgsp.edge.assets import Content, content
from lgsp.edge.gateway import Own
from lgsp.edge.openapi import Failures, document

_ASSETS = {
    "/docs": ("docs.html", "text/html; charset=utf-8"),
    "/docs/docs.css": ("docs.css", "text/css; charset=utf-8"),
    "/docs/docs.js": ("docs.js", "text/javascript; charset=utf-8"),
}


_HEADERS = {**assets.HEADERS, "Server": SERVER}


class Pages:
    """The pages of a gateway. Each version of the catalogue is rendered once, when it is first asked for."""

    def __init__(self, catalogue: Catalogue, version: str, failures: Failures = lambda *_: ()) -> None:
        self._catalogue = catalogue
        self._version = version
        self._failures = failures
        self._rendered: Content | None = None
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
            made[path] = _fixed(content((shipped / name).read_bytes(), content_type))
        return made

    async def _openapi(self, http: web.BaseRequest, _: bytes) -> web.Response:
        async with self._one_at_a_time:
            rendered = self._rendered
            if rendered is None:
                catalogue = self._catalogue
                # Tens of milliseconds in one piece: not on the loop that carries the traffic.
                rendered = await asyncio.to_thread(_render, catalogue, self._version, self._failures)
                if catalogue is self._catalogue:  # else a newer one came into force meanwhile
                    self._rendered = rendered
        return assets.answer(http, rendered, _HEADERS)


def _render(catalogue: Catalogue, version: str, failures: Failures) -> Content:
    text = json.dumps(document(catalogue, version, failures), ensure_ascii=False, separators=(",", ":"))
    return content(text.encode(), "application/json; charset=utf-8")


def _fixed(given: Content) -> Own:
    async def page(http: web.BaseRequest, _: bytes) -> web.Response:
        return assets.answer(http, given, _HEADERS)

    return page
