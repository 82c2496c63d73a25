"""Generated records, of everything a capture may hold."""

import json

from hypothesis import strategies as st

from lgsp.capture.record import Answered, Asked, Body, Message, Record

ANY = st.text(max_size=8)
HEADERS = st.lists(st.tuples(ANY, ANY), max_size=4).map(tuple)
BYTES = st.one_of(
    st.binary(max_size=40),
    ANY.map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | ANY,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY, inner, max_size=3),
        max_leaves=6,
    ).map(lambda value: json.dumps(value).encode()),
)
BODIES = st.one_of(
    BYTES.map(Body.of),
    st.integers(1, 10**9).map(lambda size: Body(None, size)),
    st.tuples(BYTES, st.integers(1, 99)).map(lambda cut: Body(cut[0], len(cut[0]) + cut[1])),
)
EXTRA = st.dictionaries(st.sampled_from(["_a", "x", "_initiator"]), ANY | st.integers(), max_size=2)
RECORDS = st.builds(
    Record,
    t=st.integers(-(2**63), 2**63),
    tap=ANY,
    tx=ANY,
    key=ANY,
    attempt=st.integers(1, 9),
    service=ANY,
    request=st.none() | st.builds(Asked, ANY, ANY, HEADERS, BODIES, EXTRA),
    reply=st.none() | st.builds(Answered, st.integers(0, 999), HEADERS, BODIES, EXTRA),
    message=st.none() | st.builds(Message, st.dictionaries(ANY, ANY | st.integers(), max_size=3), BODIES),
    times=st.dictionaries(ANY, st.integers(-(2**63), 2**63), max_size=3),
    outcome=ANY,
    extra=EXTRA,
)

SEEN = st.binary(max_size=30).map(Body.of) | st.sampled_from(
    [Body.of("Đặng".encode()), Body.of(b'{"a":[1,"x"]}'), Body()]
)
PAIRS = st.lists(st.tuples(st.sampled_from(["A", "content-type", "X-b"]), st.text("aé=; \t🐵", max_size=5)), max_size=3)
HTTP = st.builds(
    Record,
    t=st.integers(0, 4 * 10**18),
    tx=st.sampled_from(["", "a1", "0195-b"]),
    service=ANY,
    outcome=ANY,
    key=ANY,
    request=st.builds(
        Asked,
        st.sampled_from(["GET", "POST"]),
        st.text("/a?=&%2é", max_size=8).map("/".__add__),
        PAIRS.map(tuple),
        SEEN,
    ),
    reply=st.none() | st.builds(Answered, st.integers(100, 599), PAIRS.map(tuple), SEEN),
    times=st.just({}) | st.builds(dict, total=st.integers(0, 10**12), bus=st.integers(0, 9)),
)
"""What other tools could have recorded too."""

ODD = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ["\udcff", "\ud800", "\x00", "a\r\nb", "\n🐵🙈🙉\n"]
)
LENGTHS = st.sampled_from(
    [("Content-Length", "0"), ("content-length", "7"), ("Transfer-Encoding", "chunked"), (":path", "/")]
)
LINES = st.lists(st.tuples(ODD, ODD) | LENGTHS, max_size=4).map(lambda pairs: tuple(pairs + pairs[:1]))
PAYLOADS = BODIES | st.sampled_from(
    [b"x\n\xf0\x9f\x90\xb5\xf0\x9f\x99\x88\xf0\x9f\x99\x89\n1 a 1 0\n", b"0\r\n\r\n"]
).map(Body.of)
ELSEWHERE = st.builds(
    Record,
    t=st.integers(-(2**62), 4 * 10**18) | st.integers(0, 3),
    tap=st.sampled_from(["gateway", "upstream"]),
    tx=st.sampled_from(["", "a1", "a1", "0195-b", "đ", "x" * 70]) | ODD,
    service=ODD,
    request=st.builds(
        Asked,
        st.sampled_from(["GET", "HEAD", "get", "M-SEARCH", "QUÉT", "a b", ""]) | ODD,
        st.sampled_from(["/", "", "*", "//x", "http://h/a b", "http://[", "/x?u=http://h/#f"]) | ODD.map("/".__add__),
        LINES,
        PAYLOADS,
    ),
    reply=st.none() | st.builds(Answered, st.integers(-1, 1000), LINES, PAYLOADS),
    times=st.just({}) | st.builds(dict, total=st.integers(0, 10**15), bus=st.integers(-9, 9)),
)
"""What no two tools write alike: odd words, headers that come twice, bodies of every kind, replies that never came, times that go back."""
