"""Vietnamese names, made of common parts: nobody's in particular."""

from __future__ import annotations

from connectors.province.seed import number, pick

# Repeated as often as they are common, roughly.
SURNAMES = (
    *("Nguyễn",) * 12,
    *("Trần",) * 5,
    *("Lê",) * 4,
    *("Phạm",) * 3,
    *("Võ",) * 3,
    *("Huỳnh",) * 3,
    *("Phan",) * 2,
    *("Đặng",) * 2,
    *("Bùi",) * 2,
    *("Đỗ",) * 2,
    "Hồ",
    "Ngô",
    "Dương",
    "Đoàn",
    "Trương",
    "Lương",
    "Mai",
    "Tạ",
)
MIDDLE = {
    "Nam": ("Văn", "Hữu", "Đức", "Quang", "Minh", "Công", "Ngọc", "Thanh"),
    "Nữ": ("Thị", "Ngọc", "Thu", "Thanh", "Kim", "Minh"),
}
GIVEN = {
    "Nam": (
        "An",
        "Bình",
        "Cường",
        "Dũng",
        "Hải",
        "Hùng",
        "Khoa",
        "Long",
        "Nam",
        "Phúc",
        "Quân",
        "Sơn",
        "Tâm",
        "Thắng",
        "Tuấn",
        "Vinh",
    ),
    "Nữ": (
        "Ánh",
        "Bích",
        "Dung",
        "Giang",
        "Hạnh",
        "Hoa",
        "Hương",
        "Lan",
        "Linh",
        "Mai",
        "Nga",
        "Oanh",
        "Phương",
        "Thảo",
        "Trang",
        "Yến",
    ),
}
TRADES = (
    "Xây dựng",
    "Thương mại",
    "Du lịch",
    "Thủy sản",
    "May mặc",
    "Vận tải",
    "Nông nghiệp",
    "Công nghệ",
    "Dược phẩm",
    "Gỗ",
)
BRANDS = (
    "Thu Bồn",
    "Sông Tranh",
    "Trà My",
    "Hội An",
    "An Phú",
    "Tiên Phước",
    "Hoàng Long",
    "Minh Châu",
    "Phú Ninh",
    "Thành Đạt",
)


def surname(thing: str) -> str:
    """A surname for who has no father on record."""
    return pick(thing, "surname", SURNAMES)


def middle(thing: str, gender: str) -> str:
    """A middle name."""
    return pick(thing, "middle", MIDDLE[gender])


def given(thing: str, gender: str) -> str:
    """A given name."""
    return pick(thing, "given", GIVEN[gender])


def company(thing: str) -> tuple[str, str, str]:
    """A company's name, short name and name in letters without accents."""
    trade, brand = pick(thing, "trade", TRADES), pick(thing, "brand", BRANDS)
    tail = number(thing, "tail", 900) + 100
    name = f"CÔNG TY TNHH {trade.upper()} {brand.upper()} {tail}"
    return name, f"{brand.upper()} {tail}", f"{plain(brand).upper()} {tail} COMPANY LIMITED"


def plain(text: str) -> str:
    """The text without accents, as foreign names of companies are written."""
    pairs = str.maketrans(
        "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ",
        "aaaaaaaaaaaaaaaaadeeeeeeeeeeeiiiiiooooooooooooooooouuuuuuuuuuuyyyyy",
    )
    return "".join(sign.lower().translate(pairs).upper() if sign.isupper() else sign.translate(pairs) for sign in text)
