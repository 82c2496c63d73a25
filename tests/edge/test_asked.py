import pytest

from lgsp.edge.asked import asked_as


@pytest.mark.parametrize(
    ("says", "query", "body", "found"),
    [
        ("none", "", b"", ""),
        ("an element", "", b"<a><MaYeuCau>YC-1</MaYeuCau></a>", "YC-1"),
        ("an element of a namespace", "", b'<ns:MaYeuCau xsi:type="s"> YC-2 </ns:MaYeuCau>', "YC-2"),
        ("an element without a value", "", b"<MaYeuCau></MaYeuCau>", ""),
        ("an element whose name only ends so", "", b"<XMaYeuCau>no</XMaYeuCau>", ""),
        ("a member", "", b'{"a": {"MaYeuCau" : "YC-3"}}', "YC-3"),
        ("a number", "", b'{"MaYeuCau":72}', "72"),
        ("a parameter", "x=1&MaYeuCau=YC%2F4", b'{"MaYeuCau":"no"}', "YC/4"),
        ("letters of the province", "", "<MaYeuCau>Mã-5</MaYeuCau>".encode(), "Mã-5"),
        ("something too long to be an id", "", b"<MaYeuCau>" + b"x" * 201 + b"</MaYeuCau>", ""),
        ("an id far behind", "", b" " * 65_536 + b"<MaYeuCau>late</MaYeuCau>", ""),
        ("bytes that are no text", "", b"<MaYeuCau>\xff\xfe</MaYeuCau>", "\ufffd\ufffd"),
    ],
)
def test_the_callers_id_is_found_where_the_contract_has_it(says: str, query: str, body: bytes, found: str) -> None:
    assert asked_as("MaYeuCau", query, body) == found, says


def test_a_contract_without_such_a_field_has_no_id() -> None:
    assert asked_as("", "MaYeuCau=1", b"<MaYeuCau>1</MaYeuCau>") == ""
