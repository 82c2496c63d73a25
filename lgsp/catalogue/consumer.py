"""The systems that call, from `consumers.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from lgsp.catalogue.reader import Reader
from lgsp.catalogue.source import Node, Source, read
from lgsp.errors import CatalogueError

KEYS = ("title", "organisation", "behaviour")


class Consumer(BaseModel):
    """One consumer. `calm`: random errors, outages and simulated latency are off for its calls."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: str = ""
    organisation: str = ""
    behaviour: Literal["field", "calm"] = "field"


def read_consumers(directory: Path) -> dict[str, Consumer]:
    """The consumers of a configuration directory: `consumers.yaml`, then `consumers.d/*.yaml`.

    Raises `CatalogueError` with every mistake of every file.
    """
    files = [directory / "consumers.yaml", *sorted((directory / "consumers.d").glob("*.yaml"))]
    documents = [read(Source(str(file.relative_to(directory)), file.read_bytes())) for file in files if file.is_file()]
    consumers: dict[str, Consumer] = {}
    for document in documents:
        if document.root is None:
            continue
        reader = Reader(document)
        for name, key, value in reader.entries(document.root, ""):
            if name in consumers:
                reader.note(key, name, f"there is a consumer {name!r} already")
            consumers[name] = _consumer(reader, name, value)
    problems = sorted(problem for document in documents for problem in document.problems)
    if problems:
        raise CatalogueError([str(problem) for problem in problems])
    return consumers


def _consumer(reader: Reader, name: str, node: Node) -> Consumer:
    found = {key: value for key, _, value in reader.entries(node, name, KEYS)}
    behaviour = reader.choice(found["behaviour"], name, ("field", "calm")) if "behaviour" in found else "field"
    return Consumer(
        id=name,
        title=reader.text(found["title"], name) if "title" in found else name,
        organisation=reader.text(found["organisation"], name) if "organisation" in found else "",
        behaviour="calm" if behaviour == "calm" else "field",
    )
