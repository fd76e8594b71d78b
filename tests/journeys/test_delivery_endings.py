"""How deliveries end that are not simply published: with notes, after a vendor that never finishes, for media that
have to be fetched first, and when one receipt of many is bad."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import text

from amp.domain.media import operations as media
from amp.domain.media.links import MediaLinks
from amp.domain.media.port import Storage
from amp.domain.publishing import operations as publishing
from amp.domain.publishing.claiming import Claimed, Room, claim_due
from amp.domain.publishing.delivering import Courier
from amp.domain.publishing.operations import Draft, Target
from amp.domain.publishing.outcomes import POLICY, PROCESSING_AT_MOST, Outcomes
from amp.domain.publishing.port import Done, LeaseLost, Pending
from amp.domain.publishing.progress import SavedProgress
from amp.domain.publishing.recording import Log, Recorder
from amp.kit.clock import real_now
from amp.kit.database import SYSTEM, Scope
from amp.kit.errors import ProviderFailed, RateLimited, Reconnect, Rejected, Retry
from amp.kit.ids import Kind, encode
from world import World

pytestmark = pytest.mark.anyio

LEASE = timedelta(seconds=60)


async def claimed(world: World, platform: str = "linkedin", **draft: Any) -> Claimed:
    """A post that is due, claimed."""
    workspace = await world.test_scope()
    async with world.runtime.units.begin(SYSTEM) as uow:
        await uow.session.execute(text("UPDATE platform_posts SET next_attempt_at = NULL, intent_at = NULL"))
    async with world.runtime.units.begin(workspace) as uow:
        wanted = Draft({platform: Target(("Look at this",))}, "Look at this", scheduled_for=uow.clock.now(), **draft)
        await publishing.create_post(uow, wanted)
    claims, _ = await claim_due(world.runtime.units, courier(world).terms, Room(9, 9, {}))
    (one,) = claims
    return one


def courier(world: World) -> Courier:
    runtime = world.runtime
    return Courier(runtime.units, runtime.ports, missed_after=timedelta(days=365), lease=LEASE)


def outcomes_of(world: World, one: Claimed) -> Outcomes:
    units = world.runtime.units
    return Outcomes(units, Log(Recorder(units), one), one)


async def row_of(world: World, one: Claimed) -> Any:
    async with world.runtime.units.begin(Scope(workspace_id=one.workspace_id)) as uow:
        found = await uow.session.execute(text("SELECT * FROM platform_posts WHERE id = :id"), {"id": one.id})
        return found.one()


async def told_of(world: World, one: Claimed) -> list[tuple[str, dict[str, Any]]]:
    async with world.runtime.units.begin(Scope(workspace_id=one.workspace_id)) as uow:
        query = text("SELECT kind, detail FROM timeline_events WHERE post_id = :id ORDER BY id")
        return [(row.kind, row.detail) for row in await uow.session.execute(query, {"id": one.post_id})]


async def test_what_a_person_should_know_of_a_post_is_kept_and_told(world: World) -> None:
    one = await claimed(world)
    note = "TikTok made this private"
    await outcomes_of(world, one).record(Done("1", "https://example.com/1", notes=(note,)))
    row = await row_of(world, one)
    assert (row.status, row.notes) == ("published", [note])
    assert ("published", {"url": "https://example.com/1", "notes": [note]}) in await told_of(world, one)


@pytest.mark.parametrize(("intended", "ends"), [(True, "unconfirmed"), (False, "failed")])
async def test_a_vendor_that_processes_for_ever_is_not_waited_for(world: World, intended: bool, ends: str) -> None:
    one = await claimed(world)
    long_ago = world.runtime.clock.now() - PROCESSING_AT_MOST
    one = replace(one, was="processing", processing_since=long_ago, first_intent_at=long_ago if intended else None)
    await outcomes_of(world, one).record(Pending(timedelta(minutes=1)))
    row = await row_of(world, one)
    assert (row.status, row.next_attempt_at) == (ends, None)
    assert "processing it since" in row.error_message


async def test_looking_in_vain_is_counted(world: World) -> None:
    """A vendor that keeps answering badly while it works is given up after as many tries as any other."""
    one = replace(await claimed(world), was="processing", processing_since=world.runtime.clock.now())
    await outcomes_of(world, one).failed(ProviderFailed("no answer", remedy=Retry()))
    row = await row_of(world, one)
    assert (row.status, row.attempt) == ("processing", one.attempt + 1)
    last = replace(one, attempt=POLICY.attempts)
    with pytest.raises(LeaseLost):
        await outcomes_of(world, replace(last, fence=last.fence - 1)).failed(ProviderFailed("no", remedy=Retry()))
    await outcomes_of(world, last).failed(ProviderFailed("no answer", remedy=Retry()))
    assert (await row_of(world, one)).status == "failed"


@pytest.mark.parametrize(
    ("remedy", "code"),
    [
        (Retry(), "PLATFORM_ERROR"),
        (Retry(code="MEDIA_UPLOAD_FAILED"), "MEDIA_UPLOAD_FAILED"),
        (RateLimited(None), "RATE_LIMITED"),
    ],
)
async def test_what_is_given_up_in_the_end_says_what_it_waited_for(
    world: World, remedy: Retry | RateLimited, code: str
) -> None:
    last = replace(await claimed(world), attempt=POLICY.attempts)
    await outcomes_of(world, last).failed(ProviderFailed("not now", remedy=remedy))
    row = await row_of(world, last)
    assert (row.status, row.error_code) == ("failed", code)


@pytest.mark.parametrize(("code", "told"), [("PLATFORM_ERROR", "PUBLISH_FAILED"), ("DUPLICATE", "DUPLICATE")])
async def test_a_refusal_for_no_reason_that_we_know_is_told_from_a_platform_that_fails(
    world: World, code: str, told: str
) -> None:
    one = await claimed(world)
    await outcomes_of(world, one).failed(ProviderFailed("X: not like this", remedy=Rejected(code)))
    row = await row_of(world, one)
    assert (row.status, row.error_code, row.error_message) == ("failed", told, "X: not like this")


async def test_a_vendor_may_be_away_for_most_of_an_hour_and_is_noticed_soon_when_back(world: World) -> None:
    error, clock = ProviderFailed("could not reach it", remedy=Retry()), world.runtime.clock
    moments = [POLICY.wait(error, run, clock) for run in range(POLICY.attempts)]
    pauses = [moment - real_now() for moment in moments if moment]
    assert timedelta(minutes=50) < sum(pauses, timedelta()) < timedelta(minutes=70)
    assert max(pauses) < timedelta(minutes=3, seconds=1)
    assert moments[-1] is None


async def test_what_failed_together_does_not_come_back_together(world: World) -> None:
    for _ in range(3):
        one, begun = await claimed(world), world.runtime.clock.now()
        await outcomes_of(world, one).failed(ProviderFailed("no answer", remedy=Retry()))
        own_share = one.id.int % 1000 / 1000
        pause = (await row_of(world, one)).next_attempt_at - begun
        assert pause >= (POLICY.first - timedelta(milliseconds=5)) * (1 + own_share / 10)


async def test_media_that_a_platform_needs_as_bytes_are_fetched_before_the_first_attempt(fast_world: World) -> None:
    workspace = await fast_world.test_scope()

    async def picture() -> AsyncIterator[bytes]:
        drawn = BytesIO()
        Image.new("RGB", (640, 640)).save(drawn, "JPEG")
        yield drawn.getvalue()

    async with fast_world.runtime.units.begin(workspace) as uow:
        storage = fast_world.runtime.ports.get(Storage)
        kept = await media.keep_media(uow, storage, picture(), mime_type="image/jpeg")
        url = fast_world.runtime.ports.get(MediaLinks).url(uow.workspace_id, kept.id)
    one = await claimed(fast_world, media=[{"type": "image", "mimeType": "image/jpeg", "url": url}])
    await courier(fast_world).deliver(one)
    row = await row_of(fast_world, one)
    kinds = [kind for kind, _ in await told_of(fast_world, one)]
    assert row.status == "published", await told_of(fast_world, one)
    assert kinds.index("media") < kinds.index("attempt")
    assert (row.media[0]["width"], row.media[0]["url"]) == (640, url)
    assert row.media[0]["storageKey"]


async def test_media_that_cannot_be_fetched_fail_the_post_and_nothing_was_sent(fast_world: World) -> None:
    gone = f"{fast_world.runtime.settings.base_url}/media/gone"
    one = await claimed(fast_world, media=[{"type": "image", "mimeType": "image/jpeg", "url": gone}])
    await courier(fast_world).deliver(one)
    row = await row_of(fast_world, one)
    assert (row.status, row.error_code, row.first_intent_at) == ("failed", "MEDIA_UPLOAD_FAILED", None)


@pytest.mark.parametrize(
    ("state", "ends", "code", "says"),
    [
        ({}, "failed", "MISSED", "could not be published within 24 hours of its due time: LinkedIn: slow down"),
        ({"unproven": True}, "unconfirmed", "UNCONFIRMED", "an attempt may have published it"),
        ({"unproven": False}, "failed", "MISSED", "could not be published within 24 hours"),
        ({"parts": ["1"]}, "unconfirmed", "UNCONFIRMED", "a part of it is public"),
        ({"post": "1"}, "unconfirmed", "UNCONFIRMED", "a part of it is public"),
    ],
)
async def test_what_is_overdue_is_missed_only_if_nothing_of_it_can_be_public(
    world: World, state: dict[str, Any], ends: str, code: str, says: str
) -> None:
    """It was overdue by more than a day when the limit that it waited for was over."""
    one = await claimed(world)
    late = world.runtime.clock.now() - timedelta(hours=25)
    one = replace(one, due_at=late, state=state, waits_for="LinkedIn: slow down")
    await replace(courier(world), missed_after=timedelta(hours=24)).deliver(one)
    row = await row_of(world, one)
    assert (row.status, row.error_code, row.next_attempt_at) == (ends, code, None)
    assert says in row.error_message


async def test_what_a_delivery_waited_for_is_known_at_its_next_claim(world: World) -> None:
    one = await claimed(world)
    await outcomes_of(world, one).failed(ProviderFailed("LinkedIn: slow down", remedy=Retry()))
    again = await claimed_again(world, one)
    assert again.waits_for == "LinkedIn: slow down"


async def claimed_again(world: World, one: Claimed) -> Claimed:
    async with world.runtime.units.begin(SYSTEM) as uow:
        due = {"id": one.id, "now": uow.clock.now()}
        await uow.session.execute(text("UPDATE platform_posts SET next_attempt_at = :now WHERE id = :id"), due)
        await uow.session.execute(text("UPDATE connections SET held_until = NULL"))
    claims, _ = await claim_due(world.runtime.units, courier(world).terms, Room(9, 9, {}))
    (again,) = claims
    return again


async def account_of(world: World, one: Claimed) -> str:
    async with world.runtime.units.begin(Scope(workspace_id=one.workspace_id)) as uow:
        query = text("SELECT status FROM connections WHERE id = :id")
        return await uow.session.scalar(query, {"id": one.connection_id}) or ""


async def connect_again(world: World, one: Claimed) -> None:
    """The owner brought new tokens."""
    async with world.runtime.units.begin(SYSTEM) as uow:
        query = text("UPDATE connections SET token_version = token_version + 1 WHERE id = :id")
        await uow.session.execute(query, {"id": one.connection_id})


REFUSED = ProviderFailed("LinkedIn: the token was revoked.", remedy=Reconnect("AUTH_REVOKED"))


async def test_old_tokens_that_are_refused_prove_nothing_of_newer_ones(world: World) -> None:
    one = await claimed(world)
    await connect_again(world, one)
    await outcomes_of(world, one).failed(REFUSED)
    row = await row_of(world, one)
    assert (row.status, await account_of(world, one)) == ("pending", "active")
    assert "connected again since" in row.error_message
    again = await claimed_again(world, one)
    assert again.token_version == one.token_version + 1
    await outcomes_of(world, again).failed(REFUSED)
    row = await row_of(world, one)
    assert (row.status, row.error_code, await account_of(world, one)) == ("failed", "AUTH_REVOKED", "expired")


@pytest.mark.parametrize(
    ("newer", "ends", "account"), [(True, "publishing", "active"), (False, "unconfirmed", "expired")]
)
async def test_a_refusal_while_it_is_open_what_became_of_a_post_marks_the_account(
    world: World, newer: bool, ends: str, account: str
) -> None:
    one = await claimed(world)
    if newer:
        await connect_again(world, one)
    outcomes = outcomes_of(world, one)
    progress = SavedProgress(Log(Recorder(world.runtime.units), one), one, world.runtime.clock, lease=LEASE)
    progress.unknown_since = world.runtime.clock.now()
    await courier(world)._failed(REFUSED, progress, outcomes)
    row = await row_of(world, one)
    assert (row.status, await account_of(world, one)) == (ends, account)
    assert ".." not in (row.error_message or "")


@pytest.mark.parametrize("scheduled", [True, False])
async def test_a_post_is_posting_from_the_claim_on_and_waits_as_before_when_it_has_to_be_tried_again(
    world: World, scheduled: bool
) -> None:
    one = await claimed(world)
    if not scheduled:
        async with world.runtime.units.begin(SYSTEM) as uow:
            query = text("UPDATE posts SET scheduled_for = NULL WHERE id = :id")
            await uow.session.execute(query, {"id": one.post_id})
    post = encode(Kind.POST, one.post_id)
    assert (await world.get(f"/api/v1/posts/{post}"))["post"]["status"] == "posting"
    assert post in [listed["id"] for listed in (await world.get("/api/v1/posts", status="posting"))["posts"]]
    refused = await world.test.post(f"/api/v1/posts/{post}/cancel")
    assert (refused.status_code, "posting" in refused.text) == (409, True)
    await outcomes_of(world, one).failed(ProviderFailed("no answer", remedy=Retry()))
    waits = "scheduled" if scheduled else "queued"
    assert (await world.get(f"/api/v1/posts/{post}"))["post"]["status"] == waits
    assert (await world.test.post(f"/api/v1/posts/{post}/cancel")).status_code == 200


async def test_a_post_that_somebody_is_changing_is_claimed_when_that_is_done(world: World) -> None:
    """The claim waits for nobody, and whoever holds the post may wait for the claim: they never wait for each other."""
    workspace = await world.test_scope()
    one = await claimed(world)
    await outcomes_of(world, one).failed(ProviderFailed("no answer", remedy=Retry()))
    async with world.runtime.units.begin(workspace) as uow:
        await publishing.get_post(uow, one.post_id, lock=True)
        with pytest.raises(ValueError, match="not enough values"):
            await asyncio.wait_for(claimed_again(world, one), timeout=5)
    assert (await claimed_again(world, one)).id == one.id


async def test_one_bad_receipt_does_not_take_the_others_along(world: World) -> None:
    one = await claimed(world)
    recorder = Recorder(world.runtime.units)
    good, bad = Log(recorder, one), Log(recorder, replace(one, workspace_id=one.id))
    bad.note("attempt")
    bad_write = bad.conclude(status="published", published_at="no date at all")
    written, refused, stale = await asyncio.gather(
        good.conclude(status="published", next_attempt_at=None),
        bad_write,
        Log(recorder, replace(one, fence=one.fence - 1)).conclude(status="failed"),
        return_exceptions=True,
    )
    assert written is None
    assert isinstance(refused, Exception)
    assert isinstance(stale, LeaseLost)
    assert (await row_of(world, one)).status == "published"
