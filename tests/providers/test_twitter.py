"""X's own ways: uploads that expire, settings of a thread, apps without a secret."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from courier import Notebook, Owner, attempt, deliver, sample
from files import File
from long_film import long_film
from sandbox_server import SIGNING_KEY

from amp.domain.platforms.port import Draft, Medium
from amp.domain.platforms.validation import validate
from amp.domain.publishing.port import Account, Part, Pending
from amp.kit.errors import ProviderFailed, RateLimited, Rejected, Retry
from amp.providers.social._twitter_post import TwitterSettings
from amp.providers.social.twitter import CAPABILITIES, Twitter
from amp.sandbox.accounts import sandbox_client

pytestmark = pytest.mark.anyio

IMAGE, GIF = Medium("image/jpeg", size_bytes=200_000), Medium("image/gif", size_bytes=200_000)
VIDEO = Medium("video/mp4", size_bytes=9_000_000, width=1280, height=720, seconds=30)


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


async def test_a_video_in_segments_goes_on_where_it_broke_off(owner: Owner, twitter: Twitter, account: Account):
    film = long_film(9_000_000)
    delivery = replace(sample("video", twitter, account, owner.sandbox.clock.now()), parts=(Part("Look", (film,)),))
    for crash_at in range(1, 6):
        book = Notebook(owner.sandbox.clock, crash_at=crash_at, is_open=False)
        await deliver(twitter, replace(delivery, parts=(Part(f"Look {crash_at}", (film,)),)), book)
    posts = await owner.ledger("twitter")
    assert [entry["media"][0]["bytes"] for entry in posts] == [9_000_000] * 5


async def test_a_film_as_phones_make_it_goes_out(owner: Owner, twitter: Twitter, account: Account):
    film = File("med_9", name="phone.mp4")
    medium = Medium(film.mime_type, film.size_bytes, film.width, film.height, film.seconds)
    assert validate(Draft(("Look",), media=(medium,)), CAPABILITIES) == ()
    delivery = replace(sample("video", twitter, account, owner.sandbox.clock.now()), parts=(Part("Look", (film,)),))
    await deliver(twitter, delivery, Notebook(owner.sandbox.clock))
    (entry,) = await owner.ledger("twitter")
    assert entry["media"][0]["bytes"] == film.size_bytes


@pytest.mark.parametrize("kind", ["video", "gif"])
async def test_what_x_cannot_process_is_rejected(owner: Owner, twitter: Twitter, account: Account, kind: str):
    await owner.order("twitter", "processing_failed")
    delivery = sample(kind, twitter, account, owner.sandbox.clock.now())
    with pytest.raises(ProviderFailed) as failed:
        await attempt(twitter, delivery, Notebook(owner.sandbox.clock))
    assert failed.value.remedy == Rejected("MEDIA_UPLOAD_FAILED", field="media")
    assert await owner.ledger("twitter") == []


async def test_a_video_that_x_works_on_is_pending_for_as_long_as_x_says(
    owner: Owner, twitter: Twitter, account: Account
):
    await owner.order("twitter", "processing_slow")
    delivery, book = sample("video", twitter, account, owner.sandbox.clock.now()), Notebook(owner.sandbox.clock)
    answer = await twitter.publish(delivery, book)
    assert isinstance(answer, Pending)
    assert answer.after > timedelta(0)
    assert book.state["upload"]["finalized"]


@pytest.mark.parametrize(
    ("media", "field"),
    [
        ((IMAGE,) * 5, "media"),
        ((VIDEO, VIDEO), "media"),
        ((GIF, GIF), "media"),
        ((GIF, IMAGE), "media"),
        ((VIDEO, IMAGE), "media"),
        ((replace(VIDEO, seconds=7501),), "media[0].durationSeconds"),
        ((replace(VIDEO, width=3841, height=1600),), "media[0].width"),
        ((replace(VIDEO, width=3840, height=2161),), "media[0].width"),
        ((replace(VIDEO, mime_type="video/webm"),), "media[0].mimeType"),
        ((replace(GIF, size_bytes=15_000_001),), "media[0].sizeBytes"),
    ],
)
def test_x_takes_four_images_or_one_gif_or_one_video(media: tuple[Medium, ...], field: str):
    assert [problem.field for problem in validate(Draft(("Look",), media=media), CAPABILITIES)] == [field]


def test_a_first_comment_is_a_post_like_any_other():
    (problem,) = validate(Draft(("Look",), settings={"firstComment": "x" * 281}), CAPABILITIES)
    assert (problem.field, problem.code) == ("settings.firstComment", "CONTENT_TOO_LONG")


@pytest.mark.parametrize("fault", ["quota_exhausted", "account_action"])
async def test_a_full_day_waits_and_an_empty_purse_does_not(
    owner: Owner, twitter: Twitter, account: Account, fault: str
):
    await owner.order("twitter", fault)
    delivery = sample("text", twitter, account, owner.sandbox.clock.now())
    with pytest.raises(ProviderFailed) as failed:
        await attempt(twitter, delivery, Notebook(owner.sandbox.clock))
    if fault == "account_action":
        assert failed.value.remedy == Rejected("CREDITS_DEPLETED")
    else:
        assert isinstance(failed.value.remedy, RateLimited)
        assert failed.value.remedy.scope == "app"


async def test_a_post_that_the_listing_shows_late_is_found_all_the_same(
    owner: Owner, twitter: Twitter, account: Account
):
    await owner.order("twitter", "listing_lag", seconds=15)
    delivery = sample("text", twitter, account, owner.sandbox.clock.now())
    book = Notebook(owner.sandbox.clock, before=lambda _step: owner.order("twitter", "accept_then_500"))
    await deliver(twitter, delivery, book)
    assert len(await owner.ledger("twitter")) == 1


async def test_x_may_be_asked_in_its_old_spelling(owner: Owner, account: Account):
    older = Twitter(f"{owner.sandbox.url}/twitter", client_id="", client_secret="", fields="tweet")
    delivery = sample("text", older, account, owner.sandbox.clock.now())
    book = Notebook(owner.sandbox.clock, before=lambda _step: owner.order("twitter", "accept_then_500"))
    done = await deliver(older, delivery, book)
    assert set((await older.metrics(account, [done.remote_id]))[done.remote_id]) == CAPABILITIES.metrics
    await older.aclose()
