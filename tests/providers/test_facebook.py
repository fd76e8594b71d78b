"""Facebook's own ways: placements, uploads that go on where they stopped, and the Pages of one person."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from courier import Crashed, Notebook, Owner, account_at, attempt, deliver, sample
from long_film import long_film
from sandbox_server import SIGNING_KEY

from amp.domain.platforms.port import Draft, Medium
from amp.domain.platforms.validation import validate
from amp.domain.publishing.port import Account, Login, SocialPlatform
from amp.kit.errors import ProviderFailed, Rejected
from amp.providers.discovery import Social
from amp.providers.social._facebook_pages import BUSINESS_SCOPE
from amp.providers.social.facebook import CAPABILITIES, Facebook
from amp.sandbox.accounts import sandbox_client

pytestmark = pytest.mark.anyio

JPEG = Medium("image/jpeg", size_bytes=200_000, width=1080, height=1080)
REEL = Medium("video/mp4", size_bytes=9_000_000, width=1080, height=1920, seconds=30)
WIDE = Medium("video/mp4", width=1920, height=1080, seconds=30)
LOGIN = Login("http://127.0.0.1/back", "abc", "a-verifier-of-at-least-forty-three-characters")


@pytest.fixture
def facebook(social: Social) -> SocialPlatform:
    return social.of("facebook", "test")


@pytest.fixture
def account(owner: Owner, facebook: SocialPlatform) -> Account:
    return account_at(owner, facebook)


def draft(*media: Medium, text: str = "Look", link: str | None = None, **settings: object) -> Draft:
    return Draft((text,), media=media, link=link, settings=settings)


@pytest.mark.parametrize(
    "fine",
    [
        draft(),
        draft(link="https://acme.com"),
        draft(*[JPEG] * 10, firstComment="First!"),
        draft(WIDE, title="A film"),
        draft(REEL, placement="reel"),
        draft(Medium("video/mp4"), placement="reel"),
        draft(Medium("video/mp4", width=720, height=1278, seconds=4), placement="reel"),
        draft(JPEG, placement="story", text=""),
        draft(REEL, placement="story"),
        draft(text="x" * 63_206),
    ],
)
def test_what_a_page_takes_has_no_problems(fine: Draft):
    assert validate(fine, CAPABILITIES) == ()


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        (draft(text="x" * 63_207), "text", "CONTENT_TOO_LONG"),
        (draft(JPEG, REEL), "media", "MIXED_MEDIA_NOT_SUPPORTED"),
        (draft(REEL, REEL), "media", "UNSUPPORTED_MEDIA_CONFIG"),
        (draft(*[JPEG] * 11), "media", "UNSUPPORTED_MEDIA_CONFIG"),
        (draft(Medium("image/jpeg", size_bytes=4_000_001)), "media[0].sizeBytes", "UNSUPPORTED_MEDIA_CONFIG"),
        (draft(Medium("video/mp4", seconds=2401)), "media[0].durationSeconds", "UNSUPPORTED_MEDIA_CONFIG"),
        (draft(Medium("image/gif")), "media[0].mimeType", "UNSUPPORTED_MEDIA_TYPE"),
        (draft(JPEG, placement="reel"), "settings.placement", "INVALID_PLACEMENT"),
        (draft(placement="reel"), "settings.placement", "INVALID_PLACEMENT"),
        (draft(placement="story"), "settings.placement", "INVALID_PLACEMENT"),
        (draft(JPEG, JPEG, placement="story"), "settings.placement", "INVALID_PLACEMENT"),
        (draft(JPEG, JPEG, placement="carousel"), "settings.placement", "VALIDATION_FAILED"),
        (draft(WIDE, placement="reel"), "media[0].width", "UNSUPPORTED_MEDIA_CONFIG"),
        (
            draft(Medium("video/mp4", seconds=3.9), placement="reel"),
            "media[0].durationSeconds",
            "UNSUPPORTED_MEDIA_CONFIG",
        ),
        (
            draft(Medium("video/mp4", seconds=60.1), placement="reel"),
            "media[0].durationSeconds",
            "UNSUPPORTED_MEDIA_CONFIG",
        ),
        (
            draft(Medium("video/mp4", seconds=61), placement="story"),
            "media[0].durationSeconds",
            "UNSUPPORTED_MEDIA_CONFIG",
        ),
        (draft(JPEG, placement="story", firstComment="First!"), "settings.firstComment", "VALIDATION_FAILED"),
        (draft(JPEG, placement="story", link="https://acme.com"), "linkUrl", "VALIDATION_FAILED"),
        (draft(JPEG, title="A picture"), "settings.title", "VALIDATION_FAILED"),
    ],
)
def test_each_breach_is_named_with_its_field_and_code(wrong: Draft, field: str, code: str):
    assert [(problem.field, problem.code) for problem in validate(wrong, CAPABILITIES)] == [(field, code)]


@pytest.mark.parametrize("kind", ["video", "reel", "filmed_story"])
async def test_an_upload_that_broke_goes_on_with_the_same_video(
    owner: Owner, facebook: SocialPlatform, account: Account, kind: str
):
    delivery = sample(kind, facebook, account, owner.sandbox.clock.now())
    book = Notebook(owner.sandbox.clock, crash_at=2)  # the bytes are there; that they are is not saved
    await deliver(facebook, delivery, book)
    assert len(await owner.posts("facebook")) == 1


@pytest.mark.parametrize("kind", ["video", "reel", "filmed_story"])
async def test_a_video_that_was_finished_unnoticed_is_not_published_twice(
    owner: Owner, facebook: SocialPlatform, account: Account, kind: str
):
    delivery = sample(kind, facebook, account, owner.sandbox.clock.now())
    book = Notebook(owner.sandbox.clock)
    done = await deliver(facebook, delivery, book)
    kept = {name: book.state[name] for name in ("video", "session", "upload_url", "uploaded")}
    again = await deliver(facebook, delivery, Notebook(owner.sandbox.clock, state=kept))
    assert again.remote_id == done.remote_id
    assert len(await owner.posts("facebook")) == 1


@pytest.mark.parametrize("crash_at", [None, 2, 3, 4])
async def test_a_long_film_goes_in_the_parts_that_facebook_wants(
    owner: Owner, facebook: SocialPlatform, account: Account, crash_at: int | None
):
    """Even where the answer to a part was not kept: then Facebook says where to go on."""
    delivery = sample("video", facebook, account, owner.sandbox.clock.now())
    (part,) = delivery.parts
    delivery = replace(delivery, parts=(replace(part, media=(long_film(9_000_000),)),))
    book = Notebook(owner.sandbox.clock, crash_at=crash_at)
    await deliver(facebook, delivery, book)
    assert book.state["window"] == [9_000_000, 9_000_000]
    assert len(await owner.posts("facebook")) == 1


@pytest.mark.parametrize("kind", ["reel", "filmed_story"])
async def test_an_upload_that_stopped_halfway_goes_on_there(
    owner: Owner, facebook: SocialPlatform, account: Account, kind: str
):
    delivery = sample(kind, facebook, account, owner.sandbox.clock.now())
    book = Notebook(owner.sandbox.clock, crash_at=1, crash_after_commit=True)
    with pytest.raises(Crashed):
        await attempt(facebook, delivery, book)
    film = delivery.parts[0].media[0]
    half = b"".join([chunk async for chunk in film.chunks()])[: film.size_bytes // 2]
    headers = {
        "Authorization": f"OAuth {account.access_token.get_secret_value()}",
        "offset": "0",
        "file_size": str(film.size_bytes),
    }
    await owner.http.post(book.state["upload_url"], headers=headers, content=half)
    await deliver(facebook, delivery, book)
    (entry,) = await owner.posts("facebook")
    assert len(entry["media"]) == 1


@pytest.mark.parametrize("kind", ["video", "reel", "filmed_story"])
async def test_a_video_that_facebook_cannot_work_on_is_refused(
    owner: Owner, facebook: SocialPlatform, account: Account, kind: str
):
    delivery = sample(kind, facebook, account, owner.sandbox.clock.now())
    book = Notebook(owner.sandbox.clock)
    await owner.order("facebook", "processing_failed")
    with pytest.raises(ProviderFailed) as refused:
        await attempt(facebook, delivery, book)
    assert refused.value.remedy == Rejected("MEDIA_UPLOAD_FAILED", field="media")
    assert await owner.posts("facebook") == []
    await deliver(facebook, delivery, book)  # whoever tries again uploads it again
    assert len(await owner.posts("facebook")) == 1


async def test_a_manager_who_must_confirm_an_identity_is_told_so(
    owner: Owner, facebook: SocialPlatform, account: Account
):
    await owner.order("facebook", "account_action")
    with pytest.raises(ProviderFailed) as refused:
        await attempt(
            facebook, sample("text", facebook, account, owner.sandbox.clock.now()), Notebook(owner.sandbox.clock)
        )
    assert refused.value.remedy == Rejected("PAGE_IDENTITY_CONFIRMATION_REQUIRED")


async def test_each_page_comes_with_a_token_of_its_own(owner: Owner, facebook: SocialPlatform):
    consent = await owner.http.get(f"{facebook.login_url(LOGIN)}&approve=auto")
    (code,) = parse_qs(urlsplit(consent.headers["location"]).query)["code"]
    pages = await facebook.accounts(code, LOGIN)
    assert len({page.remote_id for page in pages}) == len({page.access_token.get_secret_value() for page in pages})
    assert len(pages) == 2, "of three, one may only be looked at"
    for page in pages:
        assert page.expires_in is None
        assert page.refresh_token is None
        account = Account("con", page.remote_id, page.handle, page.access_token, None, frozenset(page.scopes))
        delivery = sample("text", facebook, account, owner.sandbox.clock.now())
        done = await deliver(facebook, delivery, Notebook(owner.sandbox.clock))
        assert done.remote_id.startswith(f"{page.remote_id}_")


async def test_where_it_was_approved_the_pages_of_businesses_are_asked_for(owner: Owner):
    client = sandbox_client(SIGNING_KEY, vendor="facebook", owner=owner.name)
    url = f"{owner.sandbox.url}/facebook"
    app = {"client_id": client.client_id, "client_secret": client.secret}
    approved = Facebook(url, clock=owner.sandbox.clock, version="v26.0", more_scopes=[BUSINESS_SCOPE], **app)
    consent = await owner.http.get(f"{approved.login_url(LOGIN)}&approve=auto")
    (code,) = parse_qs(urlsplit(consent.headers["location"]).query)["code"]
    pages = await approved.accounts(code, LOGIN)
    assert all(BUSINESS_SCOPE in page.scopes for page in pages)
    assert len(pages) == 2
    await approved.aclose()


async def test_the_consent_page_is_of_the_version_that_is_spoken(owner: Owner):
    older = Facebook(owner.sandbox.url, clock=owner.sandbox.clock, version="v25.0", client_id="7", client_secret="")
    assert "/v25.0/dialog/oauth?" in older.login_url(LOGIN)
    await older.aclose()
