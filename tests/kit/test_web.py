"""A call that fails says so in a sentence, and what it may have done."""

import asyncio

import httpx2
import pytest

from amp.kit.errors import ProviderFailed, Retry, Unknown
from amp.kit.web import call, vendor_client
from sites import Site, site

pytestmark = pytest.mark.anyio


async def failure(origin: str, *, commits: bool, seconds: float = 5) -> ProviderFailed:
    async with vendor_client(origin) as client:
        client.timeout = httpx2.Timeout(seconds)
        with pytest.raises(ProviderFailed) as failed:
            await call(client, "POST", "/a", commits=commits)
    return failed.value


async def silent(_writer: asyncio.StreamWriter) -> None: ...


async def garbled(writer: asyncio.StreamWriter) -> None:
    writer.write(b"nonsense\r\n\r\n")


async def slow(_writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(1)


@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (silent, "no answer came from 127.0.0.1: it broke off, or is none that HTTP knows"),
        (garbled, "no answer came from 127.0.0.1: it broke off, or is none that HTTP knows"),
        (slow, "no answer came from 127.0.0.1 in time"),
    ],
    ids=["silent", "garbled", "slow"],
)
async def test_an_answer_that_is_lost_leaves_open_what_was_committed(
    ours: Site, answer: object, sentence: str, commits: bool
) -> None:
    ours.answers = {"/a": answer}  # type: ignore[dict-item]
    failed = await failure(ours.origin, commits=commits, seconds=0.1 if answer is slow else 5)
    assert (failed.message, failed.remedy) == (sentence, Unknown() if commits else Retry())


@pytest.mark.parametrize("commits", [True, False])
async def test_a_call_that_never_left_may_be_repeated_whatever_it_commits(commits: bool) -> None:
    async with site() as closed:
        pass
    failed = await failure(closed.origin, commits=commits)
    assert failed.message == "127.0.0.1 could not be reached (All connection attempts failed)"
    assert failed.remedy == Retry()
