"""TikTok's own ways: who may see a post, videos in parts, uploads that are over, and what TikTok makes of them."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from courier import Crashed, Notebook, Owner, attempt, deliver, sample
from files import File
from hypothesis import given
from hypothesis import strategies as st
from long_film import long_film
from sandbox_server import SIGNING_KEY

from amp.domain.platforms.port import Draft, Medium
from amp.domain.platforms.validation import validate
from amp.domain.publishing.port import Account, Delivery, Done, Part, Pending, Unknowable
from amp.kit.errors import ProviderFailed, RateLimited, RefreshToken, Rejected, Retry, Unknown
from amp.providers.social._tiktok_post import TikTokSettings, chunks_of, privacy_of, title_of
from amp.providers.social._tiktok_wire import Creator
from amp.providers.social.tiktok import CAPABILITIES, TikTok
from amp.sandbox.accounts import sandbox_client
from world import until

pytestmark = pytest.mark.anyio

MP4 = Medium("video/mp4", size_bytes=9_000_000, width=1080, height=1920, seconds=30)
JPEG = Medium("image/jpeg", size_bytes=200_000, width=1080, height=1080)


@asynccontextmanager
async def adapter(owner: Owner, *, private_only: bool = False) -> AsyncGenerator[TikTok]:
    client = sandbox_client(SIGNING_KEY, vendor="tiktok", owner=owner.name)
    adapter = TikTok(
        f"{owner.sandbox.url}/tiktok",
        clock=owner.sandbox.clock,
        version="v2",
        client_key=client.client_id,
        client_secret=client.secret,
        private_only=private_only,
    )
    yield adapter
    await adapter.aclose()


@pytest.fixture
async def tiktok(owner: Owner) -> AsyncIterator[TikTok]:
    async with adapter(owner) as found:
        yield found


@pytest.fixture
def account(owner: Owner) -> Account:
    assert CAPABILITIES.oauth
    return owner.account("tiktok", CAPABILITIES.oauth.scopes)


def video(owner: Owner, tiktok: TikTok, account: Account, **settings: object) -> Delivery:
    delivery = sample("video", tiktok, account, owner.sandbox.clock.now())
    return replace(delivery, settings=TikTokSettings.model_validate(settings))


def filmed(delivery: Delivery, length: int) -> Delivery:
    return replace(delivery, parts=(Part(delivery.parts[0].text, (long_film(length),)),))


async def refused(tiktok: TikTok, delivery: Delivery, book: Notebook) -> ProviderFailed:
    with pytest.raises(ProviderFailed) as failed:
        await attempt(tiktok, delivery, book)
    return failed.value


@given(st.integers(min_value=1, max_value=4_000_000_000))
def test_a_video_is_cut_as_tiktok_wants_it(length: int):
    chunks = chunks_of(long_film(length))
    assert chunks.count == length // chunks.size
    assert chunks.count <= 1000
    lengths = [chunks.length_at(index * chunks.size) for index in range(chunks.count)]
    assert sum(lengths) == length
    assert all(5_000_000 <= each <= 64_000_000 for each in lengths[:-1])
    assert length < 5_000_000 or 5_000_000 <= lengths[-1] <= 128_000_000
    assert all(chunks.boundary(index * chunks.size + 1) == index * chunks.size for index in range(chunks.count))


@pytest.mark.parametrize("crash_at", [2, 3, 4, 5])
async def test_a_video_in_parts_goes_on_where_it_broke_off(
    owner: Owner, tiktok: TikTok, account: Account, crash_at: int
):
    delivery = filmed(video(owner, tiktok, account), 21_000_000)
    book = Notebook(owner.sandbox.clock, crash_at=crash_at, is_open=False)
    await deliver(tiktok, delivery, book)
    (entry,) = await owner.ledger("tiktok")
    assert entry["media"][0]["bytes"] == 21_000_000


async def test_an_upload_address_that_is_gone_begins_anew(owner: Owner, tiktok: TikTok, account: Account):
    delivery, book = video(owner, tiktok, account), Notebook(owner.sandbox.clock)

    async def forget(_step: str) -> None:
        if "again" not in book.state:
            book.state = {**book.state, "upload_url": f"{owner.sandbox.url}/nowhere", "again": True}

    book.before = forget
    error = await refused(tiktok, delivery, book)
    while isinstance(error.remedy, Unknown):  # who refuses before all bytes are read may break the connection
        error = await refused(tiktok, delivery, book)
    assert error.remedy == Retry()
    assert not book.is_open
    with suppress(ProviderFailed):  # the broken connection may be found out only now
        await deliver(tiktok, delivery, book)
    await deliver(tiktok, delivery, book)
    assert len(await owner.ledger("tiktok")) == 1


async def test_an_upload_that_is_older_than_its_address_begins_anew(owner: Owner, tiktok: TikTok, account: Account):
    delivery, book = video(owner, tiktok, account), Notebook(owner.sandbox.clock, crash_at=2)
    with pytest.raises(Crashed):
        await tiktok.publish(delivery, book)
    first = book.state["publish_id"]
    book.state = {**book.state, "upload_until": owner.sandbox.clock.now().isoformat()}
    await deliver(tiktok, delivery, book)
    assert book.state["publish_id"] != first
    assert len(await owner.ledger("tiktok")) == 1


@pytest.mark.parametrize(("fault", "remedy"), [("rate_limit_no_headers", RateLimited), ("expired_token", RefreshToken)])
async def test_an_upload_that_is_held_up_goes_on_at_its_address(
    owner: Owner, tiktok: TikTok, account: Account, fault: str, remedy: type
):
    delivery, book = video(owner, tiktok, account), Notebook(owner.sandbox.clock)

    async def hold_up(_step: str) -> None:
        await owner.order("tiktok", fault)
        book.before = None

    book.before = hold_up
    assert isinstance((await refused(tiktok, delivery, book)).remedy, remedy)
    first = book.state["publish_id"]
    await deliver(tiktok, delivery, book)
    assert book.state["publish_id"] == first
    assert len(await owner.ledger("tiktok")) == 1


async def test_an_upload_that_is_refused_without_a_reason_begins_anew_once(
    owner: Owner, tiktok: TikTok, account: Account
):
    delivery, book = video(owner, tiktok, account), Notebook(owner.sandbox.clock)
    odd = replace(delivery, parts=(Part(delivery.parts[0].text, (_OddFilm("med_9", None, "tall.mp4"),)),))
    assert (await refused(tiktok, odd, book)).remedy == Retry()
    first = book.state["publish_id"]
    assert (await refused(tiktok, odd, book)).remedy == Rejected("MEDIA_UPLOAD_FAILED", field="media")
    assert book.state["publish_id"] != first
    assert await owner.ledger("tiktok") == []


async def test_a_video_that_is_there_in_full_is_not_sent_anew_when_its_address_is_over(
    owner: Owner, tiktok: TikTok, account: Account
):
    await owner.order("tiktok", "processing_slow", seconds=1200, count=1)
    delivery, book = video(owner, tiktok, account), Notebook(owner.sandbox.clock)
    await tiktok.publish(delivery, book)
    first = book.state["publish_id"]
    book.state = {**book.state, "sent": 0, "upload_until": owner.sandbox.clock.now().isoformat()}
    assert isinstance(await tiktok.check(delivery, book), Pending)
    assert book.state["publish_id"] == first

    async def is_public() -> bool:
        return isinstance(await tiktok.check(delivery, book), Done)

    await until(is_public)
    assert len(await owner.ledger("tiktok")) == 1


class _OddFilm(File):
    @property
    def mime_type(self) -> str:
        return "video/x-unheard-of"


@pytest.mark.parametrize(("kind", "state"), [("image", {}), ("video", {"publish_id": "v_pub_file~v2-1.1", "sent": 0})])
async def test_what_tiktok_refuses_to_tell_cannot_be_known(
    owner: Owner, tiktok: TikTok, kind: str, state: dict[str, object]
):
    unlisted = owner.account("tiktok", ["user.info.basic", "video.publish"])
    delivery = sample(kind, tiktok, unlisted, owner.sandbox.clock.now())
    assert await tiktok.find(delivery, Notebook(owner.sandbox.clock, state)) == Unknowable()


async def test_what_tiktok_failed_to_process_is_sent_anew(owner: Owner, tiktok: TikTok, account: Account):
    await owner.order("tiktok", "processing_failed")
    delivery, book = video(owner, tiktok, account), Notebook(owner.sandbox.clock)
    assert (await refused(tiktok, delivery, book)).remedy == Retry()
    await deliver(tiktok, delivery, book)
    assert len(await owner.ledger("tiktok")) == 1


async def test_a_video_that_tiktok_works_on_is_pending(owner: Owner, tiktok: TikTok, account: Account):
    await owner.order("tiktok", "processing_slow")
    delivery, book = video(owner, tiktok, account), Notebook(owner.sandbox.clock)
    assert isinstance(await tiktok.publish(delivery, book), Pending)
    assert isinstance(await tiktok.check(delivery, book), Pending)
    assert book.state["publish_id"]
    await deliver(tiktok, delivery, book)


async def test_a_private_post_is_known_by_its_publish_id(owner: Owner, tiktok: TikTok, account: Account):
    delivery, book = video(owner, tiktok, account, privacyLevel="SELF_ONLY"), Notebook(owner.sandbox.clock)
    done = await deliver(tiktok, delivery, book)
    assert done.remote_id == book.state["publish_id"]
    assert done.url == "https://www.tiktok.com/@acme"
    assert await tiktok.metrics(account, [done.remote_id]) == {}


async def test_an_app_without_approval_posts_in_private_and_says_so(owner: Owner, account: Account):
    await owner.order("tiktok", "unreviewed_app", rate=1.0)
    async with adapter(owner, private_only=True) as private:
        assert private.launch_notes
        done = await deliver(private, video(owner, private, account), Notebook(owner.sandbox.clock))
        assert "TIKTOK_PRIVATE_ONLY" in done.notes[0]


async def test_an_app_without_approval_that_does_not_know_it_is_told(owner: Owner, tiktok: TikTok, account: Account):
    await owner.order("tiktok", "unreviewed_app", rate=1.0)
    delivery = video(owner, tiktok, account, privacyLevel="PUBLIC_TO_EVERYONE")
    error = await refused(tiktok, delivery, Notebook(owner.sandbox.clock))
    assert isinstance(error.remedy, Rejected)
    assert error.remedy.field == "settings.privacyLevel"


@pytest.mark.parametrize("fault", ["quota_exhausted", "account_action"])
async def test_a_full_day_waits_and_a_ban_does_not(owner: Owner, tiktok: TikTok, account: Account, fault: str):
    await owner.order("tiktok", fault)
    error = await refused(tiktok, video(owner, tiktok, account), Notebook(owner.sandbox.clock))
    if fault == "account_action":
        assert error.remedy == Rejected("ACCOUNT_ACTION_REQUIRED")
    else:
        assert isinstance(error.remedy, RateLimited)
        assert error.remedy.until
        assert error.remedy.until > owner.sandbox.clock.now()


def creator(*levels: str) -> Creator:
    return Creator(privacy_level_options=list(levels))


def test_without_a_wish_a_post_is_public_where_it_may_be():
    assert privacy_of(TikTokSettings(), creator("PUBLIC_TO_EVERYONE", "SELF_ONLY"), private_only=False).note == ""
    forced = privacy_of(TikTokSettings(), creator("FOLLOWER_OF_CREATOR", "SELF_ONLY"), private_only=False)
    assert (forced.level, bool(forced.note)) == ("SELF_ONLY", True)


def test_a_level_that_the_creator_does_not_offer_is_refused_with_those_it_does():
    wish = TikTokSettings(privacy_level="PUBLIC_TO_EVERYONE")
    with pytest.raises(ProviderFailed, match="FOLLOWER_OF_CREATOR, SELF_ONLY") as refusal:
        privacy_of(wish, creator("FOLLOWER_OF_CREATOR", "SELF_ONLY"), private_only=False)
    assert refusal.value.remedy == Rejected("VALIDATION_FAILED", field="settings.privacyLevel")


@pytest.mark.parametrize(
    ("media", "settings", "fields"),
    [
        ((MP4,), {}, []),
        ((JPEG,) * 35, {"disableComment": True}, []),
        ((MP4,), {"privacyLevel": "SELF_ONLY", "brandOrganicToggle": True, "videoCoverTimestampMs": 0}, []),
        ((), {}, ["media"]),
        ((JPEG,) * 36, {}, ["media"]),
        ((MP4, JPEG), {}, ["media"]),
        ((MP4, MP4), {}, ["media"]),
        ((replace(JPEG, mime_type="image/png"),), {}, ["media[0].mimeType"]),
        ((replace(MP4, seconds=601),), {}, ["media[0].durationSeconds"]),
        ((MP4,), {"privacyLevel": "SELF_ONLY", "brandContentToggle": True}, ["settings.privacyLevel"]),
        ((MP4,), {"privacyLevel": "FRIENDS"}, ["settings.privacyLevel"]),
        ((MP4,), {"videoCoverTimestampMs": -1}, ["settings.videoCoverTimestampMs"]),
        ((JPEG,), {"isAigc": True, "disableDuet": True}, ["settings.disableDuet", "settings.isAigc"]),
    ],
)
def test_what_cannot_be_posted_is_said_beforehand(
    media: tuple[Medium, ...], settings: dict[str, object], fields: list[str]
):
    found = validate(Draft(("Look",), media=media, settings=settings), CAPABILITIES)
    assert [problem.field for problem in found] == fields


def test_a_text_alone_is_no_post():
    (problem,) = validate(Draft(("Look",)), CAPABILITIES)
    assert problem.code == "UNSUPPORTED_MEDIA_CONFIG"


async def test_photos_have_a_headline_of_at_most_ninety_units(owner: Owner, tiktok: TikTok, account: Account):
    photos = sample("image", tiktok, account, owner.sandbox.clock.now())
    long = replace(photos, parts=(Part("word " * 40, photos.parts[0].media),))
    assert title_of(long) == "word " * 17 + "word…"
    assert len(title_of(long)) <= 90
