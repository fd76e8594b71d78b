"""LinkedIn's own ways: limits that end at midnight, numbers that need an approval."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from courier import Crashed, Notebook, Owner, attempt, deliver, sample
from long_film import long_film
from sandbox_server import SIGNING_KEY

from amp.domain.publishing.port import Account, Delivery, Login, Part
from amp.kit.clock import FastClock
from amp.kit.errors import ProviderFailed, RateLimited, Rejected, Retry
from amp.providers.social.linkedin import ANALYTICS_SCOPE, CAPABILITIES, LinkedIn
from amp.sandbox.accounts import sandbox_client

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


@pytest.fixture
async def member(owner: Owner) -> AsyncIterator[LinkedIn]:
    client = sandbox_client(SIGNING_KEY, vendor="linkedin", owner=owner.name)
    adapter = LinkedIn(
        f"{owner.sandbox.url}/linkedin",
        clock=owner.sandbox.clock,
        version="202609",
        client_id=client.client_id,
        client_secret=client.secret,
        more_scopes=[ANALYTICS_SCOPE],
    )
    yield adapter
    await adapter.aclose()


@pytest.fixture
def account(owner: Owner) -> Account:
    assert CAPABILITIES.oauth
    return owner.account("linkedin", CAPABILITIES.oauth.scopes)


async def test_a_video_in_parts_goes_on_where_it_broke_off(owner: Owner, member: LinkedIn, account: Account):
    for crash_at in range(1, 6):
        delivery = sample("video", member, account, owner.sandbox.clock.now())
        delivery = replace(delivery, parts=(Part(delivery.parts[0].text, (long_film(9_000_000),)),))
        await deliver(member, delivery, Notebook(owner.sandbox.clock, crash_at=crash_at, is_open=False))
    posts = await owner.ledger("linkedin")
    assert [entry["media"][0]["bytes"] for entry in posts] == [9_000_000] * 5


async def begun(owner: Owner, member: LinkedIn, account: Account) -> tuple[Delivery, Notebook]:
    """A video whose addresses are known, and nothing of it sent."""
    delivery = sample("video", member, account, owner.sandbox.clock.now())
    book = Notebook(owner.sandbox.clock, crash_at=1, crash_after_commit=True)
    with pytest.raises(Crashed):
        await member.publish(delivery, book)
    return delivery, book


async def test_a_part_that_no_etag_came_back_for_is_sent_again(owner: Owner, member: LinkedIn, account: Account):
    delivery, book = await begun(owner, member, account)
    await owner.order("linkedin", "malformed")
    with pytest.raises(ProviderFailed) as failed:
        await member.publish(delivery, book)
    assert failed.value.remedy == Retry()
    urn = book.state["video"]["urn"]
    await deliver(member, delivery, book)
    assert (await owner.ledger("linkedin"))[0]["media"][0]["id"] == urn


@pytest.mark.parametrize("wrong", [{"etags": ["another"]}, {"parts": [["/dms-uploads/nowhere/parts/0", 0, 9]]}])
async def test_a_video_that_does_not_fit_together_is_sent_anew_once(
    owner: Owner, member: LinkedIn, account: Account, wrong: dict[str, object]
):
    delivery, book = await begun(owner, member, account)
    first = book.state["video"]
    book.state = {"video": {**first, **wrong}}
    with pytest.raises(ProviderFailed) as failed:
        await member.publish(delivery, book)
    assert failed.value.remedy == Retry()
    again = Notebook(owner.sandbox.clock, {**book.state, "video": {**first, **wrong}})
    with pytest.raises(ProviderFailed) as failed:
        await member.publish(delivery, again)
    assert isinstance(failed.value.remedy, Rejected)
    await deliver(member, delivery, book)
    assert book.state["video"]["urn"] != first["urn"]
    assert len(await owner.ledger("linkedin")) == 1


async def test_what_linkedin_cannot_process_is_rejected(owner: Owner, member: LinkedIn, account: Account):
    await owner.order("linkedin", "processing_failed")
    delivery = sample("video", member, account, owner.sandbox.clock.now())
    with pytest.raises(ProviderFailed) as failed:
        await attempt(member, delivery, Notebook(owner.sandbox.clock))
    assert failed.value.remedy == Rejected("MEDIA_UPLOAD_FAILED", field="media")
    assert await owner.ledger("linkedin") == []


async def test_upload_addresses_that_are_over_are_asked_for_again(owner: Owner, member: LinkedIn, account: Account):
    delivery, book = await begun(owner, member, account)
    first = book.state["video"]
    book.state = {"video": {**first, "expires": owner.sandbox.clock.now().isoformat()}}
    await deliver(member, delivery, book)
    assert book.state["video"]["urn"] != first["urn"]


async def test_a_member_is_shown_with_what_openid_says_and_the_gate_for_organizations(owner: Owner, member: LinkedIn):
    login = Login("http://127.0.0.1/back", "abc", "a-verifier-of-at-least-forty-three-characters")
    assert ANALYTICS_SCOPE in parse_qs(urlsplit(member.login_url(login)).query)["scope"][0].split()
    consent = await owner.http.get(f"{member.login_url(login)}&approve=auto")
    (code,) = parse_qs(urlsplit(consent.headers["location"]).query)["code"]
    (new,) = await member.accounts(code, login)
    assert new.details["organizationPosting"] is False
    assert new.details["sub"] == new.remote_id
    assert new.details["name"] == new.display_name
    assert any("ORGANIZATION" in note for note in member.launch_notes)
