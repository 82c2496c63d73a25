from __future__ import annotations

import pytest

from lgsp.catalogue.parse import parse_services
from lgsp.catalogue.service import Comparison, Condition, Fixed, FollowUp, Form, Latency, Lognormal
from lgsp.catalogue.source import Source
from lgsp.errors import CatalogueError

DAY = 86_400.0
BEGIN = "svc:\n  title: T\n  operations:\n    POST /x:\n      follows:\n"


def read(lines: str) -> tuple[FollowUp, ...]:
    source = Source("services.yaml", f"{BEGIN}{lines}".encode())
    return parse_services([source], has_module=lambda _: False)["svc"].operations["POST /x"].follows


def test_what_is_given_is_in_force_and_the_rest_has_its_default() -> None:
    first, second = read(
        "        - after: {p50: 20s, p99: 3m}\n"
        "          post: https://desk.example/told\n"
        "          when: {body.ma: HS-1}\n"
        "          headers: {X-Kind: paid}\n"
        '          body: {ma: "{{ body.ma }}", so: "{{ reply.so }}"}\n'
        "          secret_file: secrets/desk\n"
        '        - {after: 30s, post: "http://127.0.0.1:9000/told"}\n'
    )
    paid = Condition(written="body.ma", of="body", name=("ma",), tests=(Comparison(word="equals", value="HS-1"),))
    assert first == FollowUp(
        after=Latency(distribution=Lognormal(p50=20.0, p99=180.0), maximum=DAY),
        post="https://desk.example/told",
        when=(paid,),
        form=Form(headers={"x-kind": "paid"}, body={"ma": "{{ body.ma }}", "so": "{{ reply.so }}"}),
        secret_file="secrets/desk",
        where="services.yaml:6",
    )
    assert second == FollowUp(
        after=Latency(distribution=Fixed(seconds=30.0), maximum=DAY),
        post="http://127.0.0.1:9000/told",
        where="services.yaml:12",
    )


RIGHT = 'after: 30s, post: "http://127.0.0.1:9/x"'


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("[]", "there is one thing that follows at least"),
        (f"[{', '.join(['{' + RIGHT + '}'] * 6)}]", "at most 5 things follow"),
        ("[{after: 30s}]", "the key 'post' is missing"),
        ('[{post: "http://127.0.0.1:9/x"}]', "the key 'after' is missing"),
        ('[{after: 30, post: "http://127.0.0.1:9/x"}]', "30s?"),
        ('[{after: 25h, post: "http://127.0.0.1:9/x"}]', "within 24h"),
        ('[{after: {fixed: 1s, max: 2d}, post: "http://127.0.0.1:9/x"}]', "within 24h"),
        ("[{after: 30s, post: /told}]", "this is no address"),
        ('[{after: 30s, post: "http://me:secret@127.0.0.1/"}]', "credentials do not stand in an address"),
        (f"[{{{RIGHT}, when: {{ma: x}}}}]", "names no value"),
        (f"[{{{RIGHT}, headers: {{Content-Length: x}}}}]", "no header that a reply can set"),
        (f'[{{{RIGHT}, body: "{{{{ answer.so }}}}"}}]', "'answer' is none of"),
        (f"[{{{RIGHT}, headers: {{Content-Type: text/plain}}, body: {{a: 1}}}}]", "a body of text/plain is a text"),
        (f"[{{{RIGHT}, secret_files: x}}]", "did you mean 'secret_file'?"),
        ("30s", "a list belongs here"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(written: str, says: str) -> None:
    with pytest.raises(CatalogueError, match=r"services\.yaml:6:") as caught:
        read(f"        {written}\n")
    assert says in str(caught.value)
