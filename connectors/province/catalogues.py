"""Code lists that several services know."""

from __future__ import annotations

ETHNIC_GROUPS = (
    ("01", "Kinh", "Việt"),
    ("27", "Xơ Đăng", "Xơ Teng, Ca Dong"),
    ("33", "Gié Triêng", "Gié, Triêng, Ve"),
    ("34", "Cơ Tu", "Cờ Tu, Ca Tu"),
    ("42", "Co", "Cor, Trầu"),
    ("02", "Tày", "Thổ"),
    ("05", "Mường", "Mol, Mual"),
    ("12", "Hoa", "Hán"),
)
"""Code, name and other names; a selection."""
RELIGIONS = (("00", "Không"), ("01", "Phật giáo"), ("02", "Công giáo"), ("03", "Tin lành"), ("05", "Cao Đài"))
NATIONALITIES = (
    ("VN", "Việt Nam"),
    ("LA", "Lào"),
    ("KH", "Campuchia"),
    ("CN", "Trung Quốc"),
    ("JP", "Nhật Bản"),
    ("KR", "Hàn Quốc"),
)
PAPERS = (("1", "Chứng minh nhân dân"), ("2", "Căn cước công dân"), ("3", "Hộ chiếu"))
UNITS_OF_MEASURE = (("1", "mét"), ("2", "kilôgam"), ("3", "héc-ta"), ("4", "cái"))
KINDS_OF_UNITS = (("1", "Độ dài"), ("2", "Khối lượng"), ("3", "Diện tích"), ("4", "Số lượng"))
GENDERS = (("1", "Nam"), ("2", "Nữ"), ("3", "Khác"))
