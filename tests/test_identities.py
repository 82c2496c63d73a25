"""In this repository stands nobody whom our generators did not make. Real people's data is not to be taken for a test's."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

import pytest
from identities import answered, documented, generated, hits
from project import REPOSITORY, files_of

from connectors.province.identifiers import insurance_number, parse_citizen_id
from connectors.province.person import find_person

PEOPLE = {
    "049085001234": "of whom most examples ask",
    "049185340551": "who lives on the parcel of the land examples",
    "049085001015": "provincial-sso: somebody's case",
    "049085001011": "provincial-sso: somebody's case",
    "049085990001": "whom nobody is: a serial that the province has not reached",
    "049085001200": "health: with an outcome of its own",
    "049085001238": "health: with an outcome of its own",
    "049085001240": "the province's rules on paper",
    "049285001234": "born in a century that begins with another digit",
    "049312000001": "a pupil",
    "049080062239": "with a judicial record",
    "049085000006": "vneid-sso: somebody's case",
    "012200000123": "of a province where our generators make nobody",
    "049200000123": "a reading of YAML",
}
"""Citizen ids that examples and tests begin with, and why; their families, and all by which these are known, follow from them."""
ELSE = {
    r"0123456789?|123456789|001234567890|049123456789": "counting",
    r"0{7,}\d": "zeros",
    r"02350000000": "no subscriber has so many zeros",
    r"0900000001|09000123\d\d": "of the range of our own phones",
    r"6893513650|3886370220": "pupils: a child of an example, and another one",
    r"102637022|311607399": "a digit short",
    r"900212345678": "a pseudonym, of none",
    r"0309900013|40000000\d\d|4045046996|4045046997": "enterprises, or nearly",
    r"134217728|225500000|300000000|1000000000|4294967295": "sizes and counts",
    r"16848\d{5}|1772330400": "seconds of 24 May 2023 and 1 March 2026",
    r"1202305240": "a day between two digits",
    r"1769699379": "a version",
    r"PHAN CHÂU TRINH|TRẦN QUÝ CÁP": "streets",
    r"LÊ A|LÊ CÔNG LONG|LÊ VĂN CỦA TÔI|PHAN CÔNG KHÁC|ĐỖ NGHIỆM|ĐỖ THỊ BÍCH|ĐỖ THỊ THỬ": "made up in a test, or half a name",
}
"""What is nobody by another rule."""
_RESERVED = re.compile(
    r".*@(?:.*\.)?(?:example|invalid|test|localhost|example\.(?:com|net|org)|127\.0\.0\.1)", re.DOTALL
)
"""Domains that nobody has: RFC 2606 and 6761; and passwords of this machine's addresses."""
HERE = "tests/test_identities.py"


@cache
def _made() -> frozenset[str]:
    return generated(PEOPLE)


def _is_nobody(kind: str, value: str) -> bool:
    if kind == "mail":
        return _RESERVED.fullmatch(value) is not None
    made = value in _made() or (kind == "card" and value[-10:] in _made())
    return made or any(re.fullmatch(known, value) for known in ELSE)


def strangers(root: Path, names: list[str]) -> list[str]:
    """Where somebody stands whom we do not know; not who, since this is printed."""
    found: list[str] = []
    for name in names:
        try:
            text = (root / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):  # a picture; or removed and not yet committed
            continue
        found += [f"{name}:{hit.line}: a {hit.kind}" for hit in hits(text) if not _is_nobody(hit.kind, hit.value)]
    return found


def test_only_people_whom_our_generators_make_stand_in_the_repository() -> None:
    found = strangers(REPOSITORY, files_of())
    assert found == [], "take somebody of docs/test-data.md, or say in PEOPLE or ELSE of this test why that is nobody"


def test_nothing_is_on_the_list_that_stands_nowhere() -> None:
    seen = set()
    for name in set(files_of()) - {HERE}:
        if (REPOSITORY / name).is_file() and (REPOSITORY / name).suffix != ".png":
            seen |= {hit.value for hit in hits((REPOSITORY / name).read_text(encoding="utf-8")) if hit.kind != "mail"}
    unknown = {value for value in seen if value not in documented() | answered()}
    assert [known for known in ELSE if not any(re.fullmatch(known, value) for value in seen - _made())] == []
    assert [root for root in PEOPLE if not unknown & generated([root])] == []


STRANGER = "049" + "073" + "004321"
PHONE = "0912" + "345" + "678"


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("citizen", f"SoDinhDanh: {STRANGER}"),
        ("citizen", f'{{"id":"{STRANGER}"}}'),
        ("citizen", f"a\\n{STRANGER}"),
        ("citizen", f"{STRANGER[:3]} {STRANGER[3:6]} {STRANGER[6:9]} {STRANGER[9:]}"),
        ("citizen", f"{STRANGER[:4]}.{STRANGER[4:8]}.{STRANGER[8:]}"),
        ("citizen", f"licence {STRANGER[-1]}{STRANGER[:-1]}"),
        ("citizen", "soDinhDanh=" + "001" + "199" + "012345&x=1"),
        ("phone", f"call {PHONE}"),
        ("phone", f"call +84{PHONE[1:]}"),
        ("phone", f"call {PHONE[:4]} {PHONE[4:7]} {PHONE[7:]}"),
        ("phone", "call 0235" + "3812" + "345"),
        ("card", "DN4" + "49" + "49" + "12" + "345678"),
        ("number", "insured as " + "49" + "12" + "345678"),
        ("legacy", "CMND " + "205" + "123" + "987"),
        ("mail", "write to nguoi.dan" + "@" + "quangnam.gov.vn"),
        ("name", "049080000001 is " + "Đặng " + "Thị " + "Xuân"),
        ("name", "049080000001\n\n" + "HOÀNG " + "BỘI " + "THU"),
    ],
)
def test_a_stranger_in_a_file_is_named_by_its_place(kind: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"one: 049080000001\n\n\n{line}\n", encoding="utf-8")
    at = 4 + line.count("\n")
    assert strangers(tmp_path, ["a.yaml"]) == [f"a.yaml:{at}: a {kind}"]


def test_what_generators_make_and_what_is_no_writing_of_anybody_is_not_named(tmp_path: Path) -> None:
    person = find_person("049080000001")
    assert person is not None
    assert person.spouse is not None
    lines = [
        f"{person.id} {person.name} {person.phone} {person.health_card} {person.insurance_number} {person.pupil_code}",
        f"{person.spouse.id} {person.spouse.name.upper()}",
        "sha256:" + "0" * 26 + f"{STRANGER}" + "ab" * 13,
        "id 550e8400-e29b-41d4-a716-" + STRANGER,
        "a@b.example p@127.0.0.1 a@sub.example.org",
        f"MSG{STRANGER[:10]} {STRANGER}7 999{STRANGER[3:]}",
    ]
    (tmp_path / "a.md").write_text("\n".join(lines), encoding="utf-8")
    assert strangers(tmp_path, ["a.md"]) == []


def test_a_copy_of_a_page_with_one_more_person_is_red(tmp_path: Path) -> None:
    for name in ("docs/test-data.md", "config/services.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / name)
    names = ["docs/test-data.md", "config/services.yaml"]
    assert strangers(tmp_path, names) == []
    text = (tmp_path / "config/services.yaml").read_text(encoding="utf-8")
    lines = text.replace("049085001234", STRANGER, 1).splitlines()
    place = next(number for number, line in enumerate(lines, 1) if STRANGER in line)
    (tmp_path / "config/services.yaml").write_text("\n".join(lines), encoding="utf-8")
    assert strangers(tmp_path, names) == [f"config/services.yaml:{place}: a citizen"]


def test_an_example_does_not_make_somebody_of_whom_it_asks() -> None:
    asked = "049085001234"
    assert asked not in documented() | answered()
    assert asked in generated([asked])
    citizen = parse_citizen_id(asked)
    assert citizen is not None
    assert insurance_number(citizen) in generated([asked])
