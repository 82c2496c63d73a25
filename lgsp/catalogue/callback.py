"""The block `callback:` of a consumer: where it is told that something stored has ended, and what that is signed with."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from lgsp.catalogue.reader import Reader
from lgsp.catalogue.source import Node
from lgsp.catalogue.upstream import read_url

KEYS = ("url", "secret_file")


class Callback(BaseModel):
    """Where a consumer is told, and the file that holds the secret, relative to the configuration's directory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    secret_file: str


def read_callback(reader: Reader, node: Node, where: str) -> Callback:
    """The callback of a consumer."""
    found = {key: value for key, _, value in reader.entries(node, where, KEYS)}
    for needed in KEYS:
        if needed not in found and node.kind == "mapping":
            reader.note(node, where, f"the key {needed!r} is missing")
    return Callback(
        url=read_url(reader, found["url"], f"{where}.url") if "url" in found else "",
        secret_file=reader.text(found["secret_file"], f"{where}.secret_file") if "secret_file" in found else "",
    )
