"""What every social adapter promises, held for all that are discovered, against the sandbox over real sockets.

A new adapter is tested here without a line being added.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import structlog
from courier import (
    COMMENT,
    Notebook,
    Owner,
    Unconfirmed,
    account_at,
    attempt,
    connected,
    deliver,
    kinds,
    look,
    sample,
)
from pydantic import SecretStr

from amp.domain.analytics.metrics import COUNTERS
from amp.domain.publishing.port import Absent, Account, Delivery, Done, Login, SocialPlatform
from amp.kit.errors import Invalid, ProviderFailed, RateLimited, Reconnect, RefreshToken, Rejected, Retry, Unknown
from amp.providers.discovery import Credentials, Social, social_vendors

pytestmark = pytest.mark.anyio

PLATFORMS = list(social_vendors())
CONNECTED = [name for name in PLATFORMS if social_vendors()[name].capabilities.oauth]
UNPROVABLE = {("tiktok", "image"), ("tiktok", "images")}
"""What one request publishes, and what no list shows for as long as the vendor looks at it: without an answer, absence
proves nothing."""
SAMPLES = [(name, kind) for name in PLATFORMS for kind in kinds(social_vendors()[name].capabilities)]


def something(owner: Owner, platform: SocialPlatform, kind: str | None = None) -> Delivery:
    simplest = kinds(platform.capabilities)[0]
    account, now = account_at(owner, platform), owner.sandbox.clock.now()
    return sample(kind or simplest, platform, account, now, root=owner.sandbox.url)


def notebook(owner: Owner, **how: Any) -> Notebook:
    return Notebook(owner.sandbox.clock, **how)


def once(order: Callable[[], Awaitable[None]]) -> Callable[[str], Awaitable[None]]:
    """Orders it right before the first request that makes something public."""
    orders = [order]

    async def before(_step: str) -> None:
        while orders:
            await orders.pop()()

    return before


def impatient(platform: SocialPlatform) -> None:
    """Half a second instead of half a minute until an answer counts as lost."""
    vars(platform)["_client"].timeout = httpx2.Timeout(0.5)


async def assert_public_once(owner: Owner, delivery: Delivery, platform: SocialPlatform) -> None:
    ledger = await owner.posts(platform.capabilities.platform)
    assert len(ledger) == len(delivery.parts)
    for entry, part in zip(ledger, delivery.parts, strict=True):
        assert part.text in entry["text"]
        assert len(entry["media"]) == len(part.media)


@pytest.mark.parametrize(("name", "kind"), SAMPLES)
async def test_what_is_published_is_public_once_as_it_was_written(owner: Owner, social: Social, name: str, kind: str):
    platform = social.of(name, "test")
    delivery = something(owner, platform, kind)
    done = await deliver(platform, delivery, notebook(owner))
    await assert_public_once(owner, delivery, platform)
    assert done.remote_id == (await owner.ledger(name))[0]["remote_id"]
    assert done.url.startswith("https://")


CRASHES = [
    *((name, kind, False) for name, kind in SAMPLES),
    *((name, kinds(social_vendors()[name].capabilities)[0], True) for name in PLATFORMS),
]
"""Before the commit, what was done is not known any more; after it, publishing goes on from what is."""


@pytest.mark.parametrize(("name", "kind", "after_commit"), CRASHES)
async def test_a_crash_at_any_commit_point_leaves_one_post(
    owner: Owner, social: Social, name: str, kind: str, after_commit: bool
):
    platform = social.of(name, "test")
    whole = notebook(owner)
    await deliver(platform, something(owner, platform, kind), whole)
    assert whole.calls >= 2
    for point in range(1, whole.calls + 1):
        before = len(await owner.posts(name))
        delivery = something(owner, platform, kind)
        crashing = notebook(owner, crash_at=point, crash_after_commit=after_commit)
        try:
            done = await deliver(platform, delivery, crashing)
        except Unconfirmed:
            assert (name, kind) in UNPROVABLE
            assert len(await owner.posts(name)) <= before + 1
            continue
        ledger = (await owner.posts(name))[before:]
        assert all(part.text in entry["text"] for entry, part in zip(ledger, delivery.parts, strict=True))
        assert done.remote_id == ledger[0]["remote_id"]


LOST = ["accept_then_timeout", "accept_then_500", "accept_then_reset", "malformed", "reset_before"]
BY_STATUS = {"tiktok": "malformed"}
"""Where the status of the answer says everything: a body that cannot be read is no loss."""
LOSSES = [
    *(
        (name, kinds(social_vendors()[name].capabilities)[0], fault)
        for name in PLATFORMS
        for fault in LOST
        if BY_STATUS.get(name) != fault
    ),
    *((name, kind, "accept_then_reset") for name, kind in SAMPLES),
]


@pytest.mark.parametrize(("name", "kind", "fault"), dict.fromkeys(LOSSES))
async def test_an_answer_that_is_lost_is_unknown_and_ends_in_one_post(
    owner: Owner, social: Social, name: str, kind: str, fault: str
):
    platform = social.of(name, "test")
    impatient(platform)
    delivery = something(owner, platform, kind)
    book = notebook(owner, before=once(lambda: owner.order(name, fault)))
    with pytest.raises(ProviderFailed) as lost:
        await attempt(platform, delivery, book)
    assert lost.value.remedy == Unknown()
    assert book.is_open
    done = await deliver(platform, delivery, book, unsure=True)
    await assert_public_once(owner, delivery, platform)
    assert done.remote_id == (await owner.posts(name))[0]["remote_id"]


@pytest.mark.parametrize("name", [name for name, kind in SAMPLES if kind == "thread"])
@pytest.mark.parametrize("fault", ["accept_then_500", "accept_then_reset", "reset_before"])
async def test_a_thread_goes_on_after_the_part_whose_answer_was_lost(
    owner: Owner, social: Social, name: str, fault: str
):
    platform = social.of(name, "test")
    delivery = something(owner, platform, "thread")
    faults = iter([None, fault, fault])

    async def disturb(_step: str) -> None:
        ordered = next(faults, None)
        if ordered:
            await owner.order(name, ordered)

    await deliver(platform, delivery, notebook(owner, before=disturb))
    await assert_public_once(owner, delivery, platform)


@pytest.mark.parametrize("name", PLATFORMS)
async def test_what_never_went_out_is_not_found(owner: Owner, social: Social, name: str):
    platform = social.of(name, "test")
    assert not isinstance(await look(platform, something(owner, platform), notebook(owner)), Done)


@pytest.mark.parametrize("name", PLATFORMS)
async def test_what_went_out_before_the_first_intent_is_not_found(owner: Owner, social: Social, name: str):
    platform = social.of(name, "test")
    delivery = something(owner, platform)
    await deliver(platform, delivery, notebook(owner))
    later = delivery.first_intent_at + platform.visibility_delay * 100
    assert not isinstance(await look(platform, replace(delivery, first_intent_at=later), notebook(owner)), Done)


@pytest.mark.parametrize("name", PLATFORMS)
async def test_what_is_done_is_not_done_again(owner: Owner, social: Social, name: str):
    platform = social.of(name, "test")
    delivery, book = something(owner, platform), notebook(owner)
    first = await deliver(platform, delivery, book)
    assert await platform.publish(delivery, book) == first
    assert await platform.find(delivery, book) == first
    await assert_public_once(owner, delivery, platform)


REMEDIES = [
    ("rate_limit", RateLimited),
    ("rate_limit_no_headers", RateLimited),
    ("expired_token", RefreshToken),
    ("revoked_token", (RefreshToken, Reconnect)),
    ("duplicate", Rejected),
    ("quota_exhausted", RateLimited),
    ("account_action", Rejected),
]


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize(("fault", "remedy"), REMEDIES)
async def test_a_refusal_has_its_remedy_and_leaves_nothing_public(
    owner: Owner, social: Social, name: str, fault: str, remedy: type | tuple[type, ...]
):
    platform = social.of(name, "test")
    await owner.order(name, fault)
    with pytest.raises(ProviderFailed) as refused:
        await attempt(platform, something(owner, platform), notebook(owner))
    assert isinstance(refused.value.remedy, remedy)
    assert await owner.ledger(name) == []


@pytest.mark.parametrize("name", PLATFORMS)
async def test_a_rate_limit_says_until_when(owner: Owner, social: Social, name: str):
    platform = social.of(name, "test")
    await owner.order(name, "rate_limit")
    before = owner.sandbox.clock.now()
    with pytest.raises(ProviderFailed) as refused:
        await attempt(platform, something(owner, platform), notebook(owner))
    assert isinstance(refused.value.remedy, RateLimited)
    assert refused.value.remedy.until is not None
    assert refused.value.remedy.until > before


@pytest.mark.parametrize("name", PLATFORMS)
async def test_an_identical_post_is_refused_as_duplicate_or_is_a_post_of_its_own(
    owner: Owner, social: Social, name: str
):
    """Where it is refused, sending it again to find out adopts the first."""
    platform = social.of(name, "test")
    delivery = something(owner, platform)
    first = await deliver(platform, delivery, notebook(owner))
    (second,) = await asyncio.gather(attempt(platform, delivery, notebook(owner)), return_exceptions=True)
    if isinstance(second, Done):
        assert not platform.refuses_duplicates
        assert first.remote_id != second.remote_id
        assert len(await owner.posts(name)) == 2
        return
    assert isinstance(second, ProviderFailed)
    assert isinstance(second.remedy, Rejected)
    assert second.remedy.code == "DUPLICATE"
    assert second.remedy.adopted in (None, first.remote_id)
    assert await attempt(platform, replace(delivery, resending=True), notebook(owner)) == first
    await assert_public_once(owner, delivery, platform)


@pytest.mark.parametrize("name", PLATFORMS)
async def test_nothing_is_unknown_when_the_vendor_was_never_reached(owner: Owner, name: str):
    social = connected(owner, "http://127.0.0.1:9")
    platform = social.of(name, "test")
    account = account_at(owner, platform)
    calls = [
        platform.publish(something(owner, platform), notebook(owner)),
        *([platform.delete(account, "1")] if platform.capabilities.deletes else []),
        platform.refresh(account),
        platform.profile(account),
    ]
    for unreached in calls:
        with pytest.raises(ProviderFailed) as failed:
            await unreached
        assert failed.value.remedy == Retry()
    await social.aclose()


@pytest.mark.parametrize("name", PLATFORMS)
async def test_the_profile_names_the_account(owner: Owner, social: Social, name: str):
    platform = social.of(name, "test")
    profile = await platform.profile(account_at(owner, platform))
    assert profile.remote_id == "4242"
    assert profile.handle
    assert profile.display_name == "Acme Inc"


@pytest.mark.parametrize("name", PLATFORMS)
async def test_refreshed_tokens_work(owner: Owner, social: Social, name: str):
    platform = social.of(name, "test")
    account = account_at(owner, platform)
    tokens = await platform.refresh(account)
    is_new = tokens.access_token != account.access_token
    assert is_new == (tokens.expires_in is not None), "only a token without an end may stay the same"
    fresh = replace(account, access_token=tokens.access_token)
    assert (await platform.profile(fresh)).remote_id == account.remote_id


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("token", [None, SecretStr("never-issued")], ids=["none", "refused"])
async def test_only_a_refused_or_missing_refresh_token_means_reconnect(
    owner: Owner, social: Social, name: str, token: SecretStr | None
):
    """Where an access token is renewed by itself, it is the one that is refused."""
    platform = social.of(name, "test")
    account = replace(account_at(owner, platform), access_token=SecretStr("never-issued"), refresh_token=token)
    with pytest.raises(ProviderFailed) as refused:
        await platform.refresh(account)
    assert isinstance(refused.value.remedy, Reconnect)


@pytest.mark.parametrize("name", [name for name in PLATFORMS if social_vendors()[name].capabilities.deletes])
async def test_a_deleted_post_may_be_deleted_again(owner: Owner, social: Social, name: str):
    platform = social.of(name, "test")
    delivery = something(owner, platform)
    done = await deliver(platform, delivery, notebook(owner))
    await platform.delete(delivery.account, done.remote_id)
    await platform.delete(delivery.account, done.remote_id)
    (entry,) = await owner.ledger(name)
    assert entry["deleted_at"] is not None


@pytest.mark.parametrize("name", [name for name in PLATFORMS if not social_vendors()[name].capabilities.deletes])
async def test_where_nothing_can_be_deleted_that_is_said(owner: Owner, social: Social, name: str):
    platform = social.of(name, "test")
    with pytest.raises(ProviderFailed) as refused:
        await platform.delete(account_at(owner, platform), "1")
    assert refused.value.remedy == Rejected("DELETE_NOT_SUPPORTED")


@pytest.mark.parametrize("name", PLATFORMS)
async def test_metrics_are_what_was_declared_and_forget_what_is_gone(owner: Owner, social: Social, name: str):
    platform = social.of(name, "test")
    account = account_at(owner, platform)
    stays = await deliver(platform, something(owner, platform), notebook(owner))
    gone = "17900000000000001"
    if platform.capabilities.deletes:
        gone = (await deliver(platform, something(owner, platform), notebook(owner))).remote_id
        await platform.delete(account, gone)
    found = await platform.metrics(account, [stays.remote_id, gone])
    assert list(found) == [stays.remote_id]
    assert set(found[stays.remote_id]) == platform.capabilities.metrics <= set(COUNTERS)
    assert all(count >= 0 for count in found[stays.remote_id].values())


@pytest.mark.parametrize(("name", "kind"), SAMPLES)
async def test_every_kind_of_post_has_numbers(owner: Owner, social: Social, name: str, kind: str):
    platform = social.of(name, "test")
    account = account_at(owner, platform)
    done = await deliver(platform, something(owner, platform, kind), notebook(owner))
    found = await platform.metrics(account, [done.remote_id])
    assert set(found[done.remote_id]) <= platform.capabilities.metrics


COMMENTED = [name for name, kind in SAMPLES if kind == "commented"]


async def comments(owner: Owner, name: str) -> int:
    return sum(entry["text"].startswith(COMMENT) for entry in await owner.ledger(name))


@pytest.mark.parametrize("name", COMMENTED)
async def test_the_first_comment_is_made_once(owner: Owner, social: Social, name: str):
    platform = social.of(name, "test")
    delivery, book = something(owner, platform, "commented"), notebook(owner)
    done = await deliver(platform, delivery, book)
    assert done.notes == ()
    assert await platform.publish(delivery, book) == done
    assert await comments(owner, name) == 1


@pytest.mark.parametrize("name", COMMENTED)
@pytest.mark.parametrize(
    "fault", ["accept_then_500", "accept_then_reset", "reset_before", "rate_limit", "expired_token"]
)
async def test_nothing_that_happens_to_the_first_comment_fails_the_post_or_doubles_the_comment(
    owner: Owner, social: Social, name: str, fault: str
):
    platform = social.of(name, "test")

    async def disturb(step: str) -> None:
        if step == "first comment":
            await owner.order(name, fault)

    delivery, book = something(owner, platform, "commented"), notebook(owner, before=disturb)
    done = await deliver(platform, delivery, book)
    assert len(done.notes) == 1
    assert await platform.find(delivery, book) == done
    assert await comments(owner, name) == (1 if fault.startswith("accept") else 0)
    await assert_public_once(owner, delivery, platform)


@pytest.mark.parametrize("name", PLATFORMS)
async def test_a_post_carries_the_id_of_the_request_that_caused_it(owner: Owner, social: Social, name: str):
    platform = social.of(name, "test")
    with structlog.contextvars.bound_contextvars(request_id="req_01h2xcejqtf2nbrexx3vqjhp41"):
        await deliver(platform, something(owner, platform), notebook(owner))
    (entry,) = await owner.ledger(name)
    assert entry["request_id"] == "req_01h2xcejqtf2nbrexx3vqjhp41"


async def test_an_absent_answer_is_not_a_guess(owner: Owner, social: Social):
    """Where a platform can list posts, absence is said after looking; elsewhere it is never said."""
    for name in PLATFORMS:
        platform = social.of(name, "test")
        answer = await platform.find(something(owner, platform), notebook(owner))
        assert isinstance(answer, Absent) != platform.refuses_duplicates


LOGIN = Login("http://127.0.0.1/back", "abc", "a-verifier-of-at-least-forty-three-characters")


@pytest.mark.parametrize("name", CONNECTED)
async def test_whoever_agrees_on_the_consent_page_has_connected_an_account(owner: Owner, social: Social, name: str):
    platform = social.of(name, "test")
    consent = await owner.http.get(f"{platform.login_url(LOGIN)}&approve=auto")
    answered = parse_qs(urlsplit(consent.headers["location"]).query)
    assert answered["state"] == [LOGIN.state]
    opened = await platform.accounts(answered["code"][0], LOGIN)
    assert opened
    for new in opened:
        assert (new.platform, set(new.scopes)) == (name, set(platform.capabilities.oauth.scopes))
        account = Account(
            "con_1", new.remote_id, new.handle, new.access_token, new.refresh_token, frozenset(new.scopes)
        )
        assert (await platform.profile(account)).remote_id == new.remote_id
        assert new.display_name
        await platform.disconnect(account)
        await platform.disconnect(account)


@pytest.mark.parametrize("name", CONNECTED)
async def test_a_code_counts_once_and_only_where_it_was_issued(owner: Owner, social: Social, name: str):
    platform = social.of(name, "test")
    consent = await owner.http.get(f"{platform.login_url(LOGIN)}&approve=auto")
    (code,) = parse_qs(urlsplit(consent.headers["location"]).query)["code"]
    await platform.accounts(code, LOGIN)
    for refused in (code, "never-issued"):
        with pytest.raises(ProviderFailed) as failed:
            await platform.accounts(refused, LOGIN)
        assert failed.value.remedy == Rejected("TOKEN_EXCHANGE_FAILED")


@pytest.mark.parametrize("name", PLATFORMS)
async def test_without_an_app_nobody_can_connect(name: str, owner: Owner):
    nobody = Social(clock=owner.sandbox.clock, credentials=Credentials({}), live_urls={}, sandbox_url=owner.sandbox.url)
    with pytest.raises(Invalid) as refused:
        nobody.of(name, "test").login_url(LOGIN)
    assert refused.value.code == "INVALID_CONFIG"
    await nobody.aclose()
