"""LinkedIn's own ways: limits that end at midnight, numbers that need an approval."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from courier import Notebook, Owner, sample

from amp.kit.clock import FastClock
from amp.kit.errors import ProviderFailed, RateLimited
from amp.providers.social.linkedin import ANALYTICS_SCOPE, CAPABILITIES, LinkedIn

pytestmark = pytest.mark.anyio

EVENING = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)


@pytest.fixture
async def linkedin(owner: Owner) -> AsyncIterator[LinkedIn]:
    clock = FastClock(1, real_anchor=datetime.now(UTC), virtual_anchor=EVENING)
    url = f"{owner.sandbox.url}/linkedin"
    adapter = LinkedIn(url, clock=clock, version="202609", client_id="", client_secret="")
    yield adapter
    await adapter.aclose()


async def test_a_used_up_limit_ends_at_the_next_midnight_utc(owner: Owner, linkedin: LinkedIn):
    assert CAPABILITIES.oauth
    account = owner.account("linkedin", CAPABILITIES.oauth.scopes)
    await owner.order("linkedin", "rate_limit")
    with pytest.raises(ProviderFailed) as refused:
        await linkedin.publish(sample("text", linkedin, account, EVENING), Notebook(owner.sandbox.clock))
    midnight = EVENING.replace(hour=0, minute=0) + timedelta(days=1)
    assert refused.value.remedy == RateLimited(midnight)


async def test_without_the_approval_no_number_is_asked_for(owner: Owner):
    unreachable = LinkedIn("http://127.0.0.1:9", clock=owner.sandbox.clock, version="1", client_id="", client_secret="")
    plain = owner.account("linkedin", ["w_member_social"])
    assert await unreachable.metrics(plain, ["urn:li:share:1"]) == {}
    approved = owner.account("linkedin", ["w_member_social", ANALYTICS_SCOPE])
    with pytest.raises(ProviderFailed):
        await unreachable.metrics(approved, ["urn:li:share:1"])
    await unreachable.aclose()
