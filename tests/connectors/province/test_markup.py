import pytest

from connectors.province.markup import NotXml, local, parse, text

RIGHT = '<q xmlns="urn:x"><a>Nguyễn</a><b xmlns="relative">2</b></q>'


def test_names_and_texts_come_without_their_namespaces() -> None:
    root = parse(RIGHT.encode())
    assert (local(root), text(root, "a"), text(root, "b"), text(root, "c")) == ("q", "Nguyễn", "2", "")


@pytest.mark.parametrize("last", ["", '<c xmlns="relative"/>'], ids=["an error last", "a warning after it"])
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("<n:a/>", "Namespace prefix n on a is not defined, line 1, column 18"),
        ('<a n:b="1"/>', "Namespace prefix n for b on a is not defined, line 1, column 24"),
        ('<a xmlns="{"/>', "xmlns: '{' is not a valid URI, line 1, column 26"),
        ("&b;", "Entity 'b' not defined, line 1, column 17"),
    ],
)
def test_every_mistake_is_refused_at_its_place_whatever_comes_after_it(wrong: str, said: str, last: str) -> None:
    """The parser counts a document as good whose last complaint is a warning."""
    with pytest.raises(NotXml) as refused:
        parse(f"<q xmlns='u'>{wrong}{last}</q>".encode())
    assert str(refused.value) == f"not well-formed: {said}"
