"""X's own ways: uploads that expire, settings of a thread, apps without a secret."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from courier import Notebook, Owner, deliver, sample
from sandbox_server import SIGNING_KEY

from amp.domain.publishing.port import Account
from amp.kit.errors import ProviderFailed, Rejected, Retry
from amp.providers.social._twitter_post import TwitterSettings
from amp.providers.social.twitter import CAPABILITIES, Twitter
from amp.sandbox.accounts import sandbox_client

pytestmark = pytest.mark.anyio


@pytest.fixture
async def twitter(owner: Owner) -> AsyncIterator[Twitter]:
    client = sandbox_client(SIGNING_KEY, vendor="twitter", owner=owner.name)
    adapter = Twitter(
        f"{owner.sandbox.url}/twitter",
        client_id=client.client_id,
        client_secret=client.secret,
    )
    yield adapter
    await adapter.aclose()


@pytest.fixture
def account(owner: Owner) -> Account:
    assert CAPABILITIES.oauth
    return owner.account("twitter", CAPABILITIES.oauth.scopes)


async def test_an_upload_that_expired_is_made_again_once(owner: Owner, twitter: Twitter, account: Account):
    delivery = sample("image", twitter, account, owner.sandbox.clock.now())
    book = Notebook(owner.sandbox.clock, state={"media": ["1234567890"]})
    with pytest.raises(ProviderFailed) as expired:
        await twitter.publish(delivery, book)
    assert expired.value.remedy == Retry()
    await deliver(twitter, delivery, book)
    (entry,) = await owner.ledger("twitter")
    assert len(entry["media"]) == 1


async def test_an_upload_that_is_refused_twice_is_refused(owner: Owner, twitter: Twitter, account: Account):
    delivery = sample("image", twitter, account, owner.sandbox.clock.now())
    book = Notebook(owner.sandbox.clock, state={"media": ["1234567890"], "uploaded_again": True})
    with pytest.raises(ProviderFailed) as refused:
        await twitter.publish(delivery, book)
    assert isinstance(refused.value.remedy, Rejected)
    assert refused.value.remedy.field == "media"


async def test_a_thread_takes_the_settings_that_each_of_its_posts_may_have(
    owner: Owner, twitter: Twitter, account: Account
):
    settings = TwitterSettings(reply_settings="following", made_with_ai=True, paid_partnership=False)
    delivery = replace(sample("thread", twitter, account, owner.sandbox.clock.now()), settings=settings)
    await deliver(twitter, delivery, Notebook(owner.sandbox.clock))
    assert len(await owner.ledger("twitter")) == 3
