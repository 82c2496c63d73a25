"""`docs/test-data.md`, made of the table of meanings: `lgsp province sample --markdown` prints it."""

from __future__ import annotations

from connectors.province.meanings import OTHER_NAME, TABLE, Mark, Meaning
from connectors.province.sheet import sheet_of

SAYS = {
    Meaning.EXISTS: ("có dữ liệu", "there, with data", "`ok`"),
    Meaning.NOT_FOUND: ("không tìm thấy", "nobody and nothing", "`business_fault`"),
    Meaning.NAME_DIFFERS: (
        "tên không khớp",
        f"there, but asked about with the name {OTHER_NAME}",
        "`business_fault` where a name is compared, else `ok`",
    ),
    Meaning.NOT_PERMITTED: ("có dữ liệu nhưng không được phép", "there, but not for you", "`rejected`"),
    Meaning.PENDING: (
        "đang xử lý, rồi có kết quả",
        "not ready at the first look, ready from the second on",
        "`ok`, see below",
    ),
    Meaning.PROVIDER_ERROR: ("hệ thống cung cấp lỗi", "the provider's system fails", "`provider_error`"),
    Meaning.TIMEOUT: ("không trả lời", "silence until the service's timeout", "`timeout`"),
    Meaning.UNREACHABLE: ("không kết nối được", "the provider cannot be reached", "`unreachable`"),
}
KINDS = {
    "citizen": "Công dân / Citizens: `SoDinhDanh`",
    "insurance": "Mã số BHXH / Insurance numbers: the same citizens",
    "licence": "Giấy phép lái xe / Driving licences: the same citizens",
    "pupil": "Học sinh / Pupil codes: children of their own",
    "enterprise": "Doanh nghiệp / Enterprises: `msdn`",
    "dossier": "Hồ sơ / Dossiers: receipt and dossier codes",
    "amount": "Số tiền / Payment amounts: `SoTien` of `POST /initPayment`",
}
_HEAD = """# Test data / Dữ liệu thử nghiệm

Made by `lgsp province sample --markdown` from `connectors/province/meanings.py`; a test holds the two together.

Identifiers with a fixed meaning, the same in every service that knows them, for every consumer. All others in the province exist too: any id
that keeps its rule is somebody, always the same person, in every service. `lgsp province show ID` prints a person as all services see him, with
the name and the birth date that verification wants; `lgsp province sample --count 5` gives five more. Nobody here is a real person.

To choose the outcome of one request whatever it asks, see `X-Lgsp-Force` in [access.md](access.md).
"""
_TAIL = """## What pending means

`civil-status` says state 1 and then 4, and the result is error 200 and then there; `judicial-record` says 3 and then 5; `tthc-dossiers` and
`dvcqg-dossier-sync` say 4 and then 10. The first look of a consumer begins it; ten minutes after the last look it is pending again. A payment
of the pending amount is state 3 for ten seconds, then 1; one of the `not_found` amount is refused by the bank, state 4.

## Your own test persons

Put CSV files (UTF-8) into `province.d/` of the configuration; they are read at start, and a mistake stops it with file and line:

```csv
citizen_id,name,born,meaning,insurance_number
031173900014,Đỗ Thị Thử Nghiệm,1973-05-02,exists,3116073999
001085900022,Trần Văn Mẫu,1985-11-30,not_permitted,
```

`citizen_id`, `name` and `born` (yyyy-MM-dd) are needed; `meaning`, `insurance_number`, `legacy_id` and `phone` may be given, everything else
follows from the id. A person who stands there is that person in every service, in place of whoever had the id. Write the ids as text in a
spreadsheet, or it takes the zeros in front away.
"""


def page() -> str:
    """The page, in Markdown."""
    meanings = ["| meaning | ý nghĩa | what it is | outcome |", "| --- | --- | --- | --- |"]
    meanings += [f"| `{meaning}` | {vi} | {en} | {outcome} |" for meaning, (vi, en, outcome) in SAYS.items()]
    parts = [_HEAD, "\n".join(meanings) + "\n"]
    for kind, title in KINDS.items():
        rows = [f"## {title}\n", "| meaning | identifier | who, what |", "| --- | --- | --- |"]
        rows += [_row(mark) for mark in TABLE if mark.kind == kind]
        parts.append("\n".join(rows) + "\n")
    return "\n".join([*parts, _TAIL])


def _row(mark: Mark) -> str:
    return f"| `{mark.meaning}` | `{mark.identifier}` | {sheet_of(mark.identifier).title} |"
