from builders import a_reply, a_request

from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.connector import Forward, Refuser, chain


class Marking:
    """A behaviour that notes when it was passed, both ways."""

    def __init__(self, name: str, passed: list[str]) -> None:
        self._name = name
        self._passed = passed

    async def __call__(self, request: Request, forward: Forward) -> Reply:
        self._passed.append(f"{self._name} in")
        reply = await forward(request)
        self._passed.append(f"{self._name} out")
        return reply


async def test_the_first_behaviour_is_the_outermost() -> None:
    passed: list[str] = []

    async def answer(request: Request) -> Reply:
        passed.append("answer")
        return a_reply(request)

    request = a_request()
    reply = await chain([Marking("first", passed), Marking("second", passed)], answer)(request)
    assert passed == ["first in", "second in", "answer", "second out", "first out"]
    assert reply.to == request.id


def test_an_empty_chain_is_the_answer_itself() -> None:
    async def answer(request: Request) -> Reply:
        return a_reply(request)

    assert chain([], answer) is answer


def test_who_can_refuse_has_the_function() -> None:
    class Able:
        def refuse(self, request: Request, outcome: Outcome) -> Reply:
            return a_reply(request, outcome=outcome)

    assert isinstance(Able(), Refuser)
    assert not isinstance(object(), Refuser)
