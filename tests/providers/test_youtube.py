"""YouTube's own ways: uploads that go on where they broke off, sessions that are gone, privacy, thumbnails."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from courier import Crashed, Notebook, Owner, account_at, attempt, deliver, look, sample
from files import File, Name
from long_film import LongFilm, long_film
from sandbox_server import SIGNING_KEY

from amp.domain.publishing.port import Absent, Account, Delivery, Done, Login, Part, Pending
from amp.kit.errors import ProviderFailed, RateLimited, Rejected
from amp.providers.social._youtube_post import YouTubeSettings
from amp.providers.social.youtube import ANALYTICS, COMMENTS, YouTube
from amp.sandbox.accounts import sandbox_client

pytestmark = pytest.mark.anyio

LENGTH = 20_000_000


@asynccontextmanager
async def adapter(owner: Owner, *, force_private: bool = False) -> AsyncGenerator[YouTube]:
    client = sandbox_client(SIGNING_KEY, vendor="youtube", owner=owner.name)
    adapter = YouTube(
        f"{owner.sandbox.url}/youtube",
        clock=owner.sandbox.clock,
        version="v3",
        client_id=client.client_id,
        client_secret=client.secret,
        force_private=force_private,
        more_scopes=[COMMENTS],
    )
    yield adapter
    await adapter.aclose()


@pytest.fixture
async def youtube(owner: Owner) -> AsyncIterator[YouTube]:
    async with adapter(owner) as found:
        yield found


@pytest.fixture
def account(owner: Owner, youtube: YouTube) -> Account:
    return account_at(owner, youtube)


def video(owner: Owner, account: Account, youtube: YouTube, file: File | None = None, **settings: object) -> Delivery:
    delivery = sample("video", youtube, account, owner.sandbox.clock.now())
    return replace(
        delivery,
        parts=(Part(delivery.parts[0].text, (file,)),) if file else delivery.parts,
        settings=YouTubeSettings.model_validate({"privacyStatus": "public", **settings}),
    )


async def refused(youtube: YouTube, delivery: Delivery, book: Notebook) -> ProviderFailed:
    with pytest.raises(ProviderFailed) as failed:
        await attempt(youtube, delivery, book)
    return failed.value


@pytest.mark.parametrize("crash_at", [1, 2, 3, 4, 5])
async def test_a_video_in_parts_goes_on_where_it_broke_off(
    owner: Owner, youtube: YouTube, account: Account, crash_at: int
):
    delivery = video(owner, account, youtube, long_film(LENGTH))
    book = Notebook(owner.sandbox.clock, crash_at=crash_at, is_open=False)
    await deliver(youtube, delivery, book)
    (entry,) = await owner.ledger("youtube")
    assert entry["media"][0]["bytes"] == LENGTH


@dataclass(frozen=True)
class _Once(LongFilm):
    """A film whose reader notes what was read."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts", [])

    async def chunks(self, start: int = 0) -> AsyncIterator[bytes]:
        vars(self)["starts"].append(start)
        async for piece in super().chunks(start):
            yield piece


async def test_what_youtube_holds_is_not_sent_again(owner: Owner, youtube: YouTube, account: Account):
    film = _Once("med_9", None, "tall.mp4", length=LENGTH)
    delivery, book = video(owner, account, youtube, film), Notebook(owner.sandbox.clock, crash_at=3)
    with pytest.raises(Crashed):
        await youtube.publish(delivery, book)
    await deliver(youtube, delivery, book)
    starts = vars(film)["starts"]
    assert starts == sorted(set(starts))


async def test_of_a_part_that_was_kept_by_half_the_rest_is_sent(owner: Owner, youtube: YouTube, account: Account):
    await owner.order("youtube", "partial_chunk", count=1)
    await deliver(youtube, video(owner, account, youtube, long_film(LENGTH)), Notebook(owner.sandbox.clock))
    (entry,) = await owner.ledger("youtube")
    assert entry["media"][0]["bytes"] == LENGTH


async def test_a_session_that_is_gone_begins_anew(owner: Owner, youtube: YouTube, account: Account):
    delivery, book = video(owner, account, youtube), Notebook(owner.sandbox.clock)
    gone = f"{owner.sandbox.url}/youtube/upload/youtube/v3/videos?uploadType=resumable&upload_id=never-issued"
    book.state = {"session": gone}
    assert isinstance(await look(youtube, delivery, book), Absent)
    await deliver(youtube, delivery, book)
    assert book.state["session"] != gone
    assert len(await owner.ledger("youtube")) == 1


async def test_a_video_whose_session_is_gone_is_found_among_the_uploads(
    owner: Owner, youtube: YouTube, account: Account
):
    delivery, book = video(owner, account, youtube), Notebook(owner.sandbox.clock)
    done = await deliver(youtube, delivery, book)
    gone = f"{owner.sandbox.url}/youtube/upload/youtube/v3/videos?uploadType=resumable&upload_id=never-issued"
    lost = Notebook(owner.sandbox.clock, state={"session": gone})
    assert await look(youtube, delivery, lost) == done
    other = replace(delivery, parts=(Part("Another one", delivery.parts[0].media),))
    assert not isinstance(await look(youtube, other, Notebook(owner.sandbox.clock, state={"session": gone})), Done)


async def test_what_youtube_cannot_process_is_rejected_and_may_be_uploaded_again(
    owner: Owner, youtube: YouTube, account: Account
):
    await owner.order("youtube", "processing_failed")
    delivery, book = video(owner, account, youtube), Notebook(owner.sandbox.clock)
    error = await refused(youtube, delivery, book)
    assert isinstance(error.remedy, Rejected)
    assert error.remedy.field == "media"
    first = book.state
    await deliver(youtube, delivery, book)
    assert book.state["session"] != first["session"]


async def test_a_video_that_youtube_works_on_is_pending(owner: Owner, youtube: YouTube, account: Account):
    await owner.order("youtube", "processing_slow")
    delivery, book = video(owner, account, youtube), Notebook(owner.sandbox.clock)
    assert isinstance(await youtube.publish(delivery, book), Pending)
    assert isinstance(await youtube.check(delivery, book), Pending)
    assert book.state["video"]


async def test_the_quota_of_the_project_ends_at_midnight_in_california(
    owner: Owner, youtube: YouTube, account: Account
):
    await owner.order("youtube", "quota_exhausted")
    remedy = (await refused(youtube, video(owner, account, youtube), Notebook(owner.sandbox.clock))).remedy
    assert isinstance(remedy, RateLimited)
    assert remedy.until
    assert remedy.until > owner.sandbox.clock.now()


async def test_a_video_that_google_made_private_is_noted(owner: Owner, youtube: YouTube, account: Account):
    await owner.order("youtube", "unreviewed_app", rate=1.0)
    done = await deliver(youtube, video(owner, account, youtube), Notebook(owner.sandbox.clock))
    assert "made it private" in done.notes[0]


async def test_where_uploads_are_private_that_is_noted(owner: Owner, account: Account):
    async with adapter(owner, force_private=True) as private:
        assert "YOUTUBE_FORCE_PRIVATE_UPLOADS" in private.launch_notes[0]
        done = await deliver(private, video(owner, account, private), Notebook(owner.sandbox.clock))
    assert "YOUTUBE_FORCE_PRIVATE_UPLOADS" in done.notes[0]


@pytest.mark.parametrize("name", ["wide.jpg", "square.png"])
async def test_a_video_gets_its_thumbnail(owner: Owner, youtube: YouTube, account: Account, name: Name):
    film = File("med_1", None, "tall.mp4", thumbnail=File("med_2", None, name))
    book = Notebook(owner.sandbox.clock)
    done = await deliver(youtube, video(owner, account, youtube, film), book)
    assert done.notes == ()
    assert book.state["thumbnail"] == ""


async def test_a_thumbnail_that_is_refused_is_a_note_and_no_failure(owner: Owner, youtube: YouTube, account: Account):
    film = File("med_1", None, "tall.mp4", thumbnail=File("med_2", None, "tall.mp4"))
    done = await deliver(youtube, video(owner, account, youtube, film), Notebook(owner.sandbox.clock))
    (note,) = done.notes
    assert note.startswith("The thumbnail was not set")


@pytest.mark.parametrize("why", ["private", "not allowed"])
async def test_a_comment_that_cannot_be_made_is_not_tried(owner: Owner, youtube: YouTube, account: Account, why: str):
    allowed = account if why == "private" else replace(account, scopes=account.scopes - {COMMENTS})
    privacy = "private" if why == "private" else "public"
    delivery = video(owner, allowed, youtube, firstComment="And another thing", privacyStatus=privacy)
    done = await deliver(youtube, delivery, Notebook(owner.sandbox.clock))
    (note,) = done.notes
    assert note.startswith("The first comment was not made")


async def test_shares_and_subscribers_are_asked_for_where_reports_may_be_read(
    owner: Owner, youtube: YouTube, account: Account
):
    done = await deliver(youtube, video(owner, account, youtube), Notebook(owner.sandbox.clock))
    plain = replace(account, scopes=account.scopes - {ANALYTICS})
    assert set((await youtube.metrics(plain, [done.remote_id]))[done.remote_id]) == {"video_views", "likes", "comments"}
    assert "shares" in (await youtube.metrics(account, [done.remote_id]))[done.remote_id]


async def test_the_consent_page_is_asked_for_a_lasting_permission(youtube: YouTube):
    url = youtube.login_url(Login("http://127.0.0.1/back", "abc", "a-verifier-of-at-least-forty-three-characters"))
    for asked in ("access_type=offline", "prompt=consent", "youtube.upload", "youtube.force-ssl"):
        assert asked in url
