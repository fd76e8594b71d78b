"""Calls that come while an earlier one is under way go out together, as one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Together(Generic[Asked, Answer]):
    """`ask` gives the answer to one question; `answer` answers many at once, in their order. One asks alone as fast as
    without us; under load, what costs as much for many as for one is paid once.

    An error of `answer` is everybody's who asked with it; who stops waiting takes nothing from the others.
    """

    def __init__(self, answer: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer]]]) -> None:
        self._answer = answer
        self._turn = asyncio.Lock()
        self._next: tuple[list[Asked], asyncio.Task[Sequence[Answer]]] | None = None

    async def ask(self, one: Asked) -> Answer:
        if self._next is None:
            asked: list[Asked] = []
            self._next = asked, asyncio.create_task(self._when_it_is_their_turn(asked))
        asked, answers = self._next
        place = len(asked)
        asked.append(one)
        return (await asyncio.shield(answers))[place]

    async def _when_it_is_their_turn(self, asked: list[Asked]) -> Sequence[Answer]:
        async with self._turn:
            self._next = None
            return await self._answer(asked)
