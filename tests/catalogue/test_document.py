"""The blocks of `docs/catalogue.md` are catalogues."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lgsp.catalogue.parse import parse_services
from lgsp.catalogue.source import Source

DOCUMENT = (Path(__file__).parents[2] / "docs" / "catalogue.md").read_text()
BLOCKS = [block for block in re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL) if "operations:" in block]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_of_the_document_is_read(block: str) -> None:
    services = parse_services(
        [Source("services.yaml", block.encode())],
        has_module=lambda _: False,
        open_file=lambda _, __: "soDinhDanh,hoTen\n049085001234,Phan Công Khoa\n".encode(),
    )
    assert len(services) == 1


def test_there_are_blocks() -> None:
    assert len(BLOCKS) >= 2
