"""Nền tảng GIS: the province's GIS platform.

Facts: none public. Assumptions: everything; the operations borrow the names of WMS and WFS.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

from connectors.province import proposal
from connectors.province.places import COMMUNES, DISTRICTS
from connectors.province.seed import number
from lgsp import Outcome, Reply, Request

refuse = proposal.refuse

LAYERS = ("hanh_chinh_huyen", "hanh_chinh_xa", "thua_dat", "giao_thong", "song_suoi")
WEST, SOUTH, EAST, NORTH = 107.2, 14.95, 108.75, 16.07
"""The province's box in degrees (K)."""
_LARGEST = 4.0


async def answer(request: Request) -> Reply:
    """A map image, features, or a place."""
    if request.operation == "GET /geocode":
        return _geocode(request)
    fields = request.query_values
    layer = fields.get("layers" if request.operation == "GET /wms" else "typeName", "")
    box = _box(fields.get("bbox", ""))
    if box is None:
        return proposal.refused(request, "INVALID_BBOX", "bbox là bốn số: tây,nam,đông,bắc", Outcome.REJECTED, 400)
    if (box[2] - box[0]) * (box[3] - box[1]) > _LARGEST:
        return proposal.refused(request, "BBOX_TOO_LARGE", "Vùng yêu cầu quá lớn", Outcome.REJECTED, 400)
    if layer not in LAYERS:
        return proposal.refused(request, "LAYER_NOT_FOUND", "Không có lớp bản đồ này", Outcome.BUSINESS_FAULT, 404)
    if request.operation == "GET /wms":
        return Reply(request.id, body=_image(layer), headers={"content-type": "image/png"})
    features = [_feature(unit.code, unit.name) for unit in (DISTRICTS if layer == "hanh_chinh_huyen" else COMMUNES)]
    inside = [one for one in features if _within(one, box)]
    return Reply.of_json(request, {"type": "FeatureCollection", "features": inside})


def _box(text: str) -> tuple[float, float, float, float] | None:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        return None
    return (west, south, east, north) if -180 <= west < east <= 180 and -90 <= south < north <= 90 else None


def _feature(code: str, name: str) -> dict[str, Any]:
    east = round(WEST + (EAST - WEST) * number(code, "east", 1_000) / 1_000, 5)
    north = round(SOUTH + (NORTH - SOUTH) * number(code, "north", 1_000) / 1_000, 5)
    return {
        "type": "Feature",
        "id": code,
        "geometry": {"type": "Point", "coordinates": [east, north]},
        "properties": {"ma": code, "ten": name},
    }


def _within(feature: dict[str, Any], box: tuple[float, float, float, float]) -> bool:
    east, north = feature["geometry"]["coordinates"]
    return bool(box[0] <= east <= box[2] and box[1] <= north <= box[3])


def _geocode(request: Request) -> Reply:
    wanted = request.query_values.get("address", "").strip()
    if not wanted:
        return proposal.refused(request, "SCHEMA_REJECT", "Cần address", Outcome.REJECTED, 400)
    unit = next((each for each in (*COMMUNES, *DISTRICTS) if each.name.lower() in wanted.lower()), None)
    if unit is None:
        return proposal.refused(request, "ADDRESS_NOT_FOUND", "Không tìm thấy địa chỉ", Outcome.BUSINESS_FAULT, 404)
    east, north = _feature(unit.code, unit.name)["geometry"]["coordinates"]
    return Reply.of_json(request, {"address": wanted, "ma": unit.code, "lon": east, "lat": north})


def _image(layer: str) -> bytes:
    """A PNG of one pixel in the layer's colour."""
    colour = bytes(number(layer, part, 256) for part in ("red", "green", "blue"))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" + colour))
        + chunk(b"IEND", b"")
    )
