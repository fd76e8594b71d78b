"""What is asked while an earlier question is under way goes out together."""

import asyncio
from collections.abc import Sequence

import pytest

from amp.kit.errors import Unavailable
from amp.kit.together import Together

pytestmark = pytest.mark.anyio


class Oracle:
    """Doubles numbers, when it is let; remembers what it was asked at once. It does not speak to the unlucky."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.was_asked = asyncio.Event()
        self.let = asyncio.Event()

    async def double(self, numbers: Sequence[int]) -> list[int]:
        self.asked.append(list(numbers))
        self.was_asked.set()
        await self.let.wait()
        if 13 in numbers:
            raise Unavailable("Not today", retry_after=1)
        return [number * 2 for number in numbers]


async def test_whoever_comes_meanwhile_goes_next_and_gets_his_own_answer() -> None:
    oracle = Oracle()
    together = Together(oracle.double)
    first = asyncio.create_task(together.ask(1))
    await oracle.was_asked.wait()
    others = [asyncio.create_task(together.ask(number)) for number in (2, 3, 4)]
    oracle.let.set()
    assert await asyncio.gather(first, *others) == [2, 4, 6, 8]
    assert oracle.asked == [[1], [2, 3, 4]]


async def test_an_error_is_everybody_s_of_that_turn_and_nobody_s_of_the_next() -> None:
    oracle = Oracle()
    together = Together(oracle.double)
    oracle.let.set()
    answers = await asyncio.gather(together.ask(13), together.ask(2), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable, Unavailable]
    assert await together.ask(2) == 4


async def test_who_stops_waiting_takes_nothing_from_the_others() -> None:
    oracle = Oracle()
    together = Together(oracle.double)
    hasty, patient = asyncio.create_task(together.ask(1)), asyncio.create_task(together.ask(2))
    await oracle.was_asked.wait()
    hasty.cancel()
    oracle.let.set()
    assert await patient == 4
    with pytest.raises(asyncio.CancelledError):
        await hasty
