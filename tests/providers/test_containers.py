"""What Instagram and Threads do alike with media that they fetch from us."""

import pytest
from courier import Notebook, Owner, account_at, attempt, deliver, sample

from amp.domain.publishing.port import Done, SocialPlatform
from amp.kit.errors import ProviderFailed
from amp.providers.discovery import Social
from amp.providers.social._graph import NOT_FETCHED, NOT_READY

pytestmark = pytest.mark.anyio

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(params=[("instagram", "image"), ("instagram", "video"), ("threads", "image")])
def kind(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Platform and kind of post."""
    return request.param


@pytest.fixture
def platform(social: Social, kind: tuple[str, str]) -> SocialPlatform:
    return social.of(kind[0], "test")


async def refused(platform: SocialPlatform, owner: Owner, book: Notebook, kind: str) -> object:
    """The remedy of an attempt whose media are nowhere."""
    lost = sample(kind, platform, account_at(owner, platform), owner.sandbox.clock.now(), NOWHERE)
    with pytest.raises(ProviderFailed) as failed:
        await attempt(platform, lost, book)
    return failed.value.remedy


async def test_media_that_could_not_be_fetched_are_asked_for_once_more(
    owner: Owner, platform: SocialPlatform, kind: tuple[str, str]
) -> None:
    book = Notebook(owner.sandbox.clock)
    assert await refused(platform, owner, book, kind[1]) == NOT_READY
    assert await refused(platform, owner, book, kind[1]) == NOT_FETCHED


async def test_media_that_are_there_the_second_time_are_published_once(
    owner: Owner, platform: SocialPlatform, kind: tuple[str, str]
) -> None:
    book = Notebook(owner.sandbox.clock)
    await refused(platform, owner, book, kind[1])
    there = sample(kind[1], platform, account_at(owner, platform), owner.sandbox.clock.now(), owner.sandbox.url)
    assert isinstance(await deliver(platform, there, book), Done)
    assert len(await owner.ledger(kind[0])) == 1
