"""Instagram's own ways: placements, the forms of containers, and containers that fail, expire or are public already."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from courier import Notebook, Owner, account_at, attempt, deliver, sample
from files import File
from pydantic import SecretStr

from amp.domain.platforms.port import Draft, Medium
from amp.domain.platforms.validation import validate
from amp.domain.publishing.port import Account, Delivery, Done, Part, SocialPlatform
from amp.kit.errors import ProviderFailed, Rejected, Retry, Unknown
from amp.providers.discovery import Social
from amp.providers.social._containers import EXPIRED
from amp.providers.social._instagram_post import InstagramSettings, children, parent
from amp.providers.social.instagram import CAPABILITIES

pytestmark = pytest.mark.anyio

JPEG = Medium("image/jpeg", size_bytes=200_000, width=1080, height=1080)
MP4 = Medium("video/mp4", size_bytes=9_000_000, width=1080, height=1920, seconds=30)
MINUTE, HEAVY = Medium("video/mp4", seconds=61), Medium("video/mp4", size_bytes=100_000_001)
SHORT, LONG = Medium("video/mp4", seconds=2.5), Medium("video/mp4", seconds=901)


@pytest.fixture
def instagram(social: Social) -> SocialPlatform:
    return social.of("instagram", "test")


@pytest.fixture
def account(owner: Owner, instagram: SocialPlatform) -> Account:
    return account_at(owner, instagram)


def draft(*media: Medium, text: str = "Look", link: str | None = None, **settings: object) -> Draft:
    return Draft((text,), media=media, link=link, settings=settings)


@pytest.mark.parametrize(
    "fine",
    [
        draft(JPEG),
        draft(MP4),
        draft(JPEG, MP4, JPEG),
        draft(*[JPEG] * 10, placement="carousel"),
        draft(JPEG, placement="story", text=""),
        draft(Medium("image/jpeg", width=1080, height=1920), placement="story"),
        draft(MP4, placement="reel", shareToFeed=True, thumbOffset=1500),
        draft(Medium("image/jpeg", width=1080, height=1351)),
        draft(Medium("image/jpeg", width=1910, height=1000)),
        draft(JPEG, text="#tag " * 30 + "@you " * 20, firstComment="First!"),
        draft(JPEG, text="An #1 fan, mail me@acme.com " * 21),
    ],
)
def test_what_instagram_takes_has_no_problems(fine: Draft):
    assert validate(fine, CAPABILITIES) == ()


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        (draft(), "media", "UNSUPPORTED_MEDIA_CONFIG"),
        (draft(*[JPEG] * 6, *[MP4] * 5), "media", "UNSUPPORTED_MEDIA_CONFIG"),
        (draft(Medium("image/png")), "media[0].mimeType", "UNSUPPORTED_MEDIA_TYPE"),
        (draft(Medium("image/jpeg", size_bytes=8_000_001)), "media[0].sizeBytes", "UNSUPPORTED_MEDIA_CONFIG"),
        (draft(Medium("image/jpeg", width=1000, height=1300)), "media[0].width", "UNSUPPORTED_MEDIA_CONFIG"),
        (draft(JPEG, Medium("image/jpeg", width=2000, height=1000)), "media[1].width", "UNSUPPORTED_MEDIA_CONFIG"),
        (draft(SHORT), "media[0].durationSeconds", "UNSUPPORTED_MEDIA_CONFIG"),
        (draft(LONG), "media[0].durationSeconds", "UNSUPPORTED_MEDIA_CONFIG"),
        (draft(MINUTE, placement="story"), "media[0].durationSeconds", "UNSUPPORTED_MEDIA_CONFIG"),
        (draft(HEAVY, placement="story"), "media[0].sizeBytes", "UNSUPPORTED_MEDIA_CONFIG"),
        (draft(JPEG, placement="carousel"), "settings.placement", "INVALID_PLACEMENT"),
        (draft(JPEG, placement="reel"), "settings.placement", "INVALID_PLACEMENT"),
        (draft(MP4, MP4, placement="reel"), "settings.placement", "INVALID_PLACEMENT"),
        (draft(JPEG, JPEG, placement="story"), "settings.placement", "INVALID_PLACEMENT"),
        (draft(JPEG, placement="wall"), "settings.placement", "VALIDATION_FAILED"),
        (draft(JPEG, placement="story", firstComment="First!"), "settings.firstComment", "VALIDATION_FAILED"),
        (draft(JPEG, placement="story", link="https://acme.com"), "linkUrl", "VALIDATION_FAILED"),
        (draft(JPEG, collaborators=["a", "b", "c", "d"]), "settings.collaborators", "VALIDATION_FAILED"),
        (draft(JPEG, coverUrl="file:///etc/passwd"), "settings.coverUrl", "VALIDATION_FAILED"),
        (draft(JPEG, text="#a1 " * 31), "text", "VALIDATION_FAILED"),
        (draft(JPEG, text="@you " * 21), "text", "VALIDATION_FAILED"),
        (draft(JPEG, text="x" * 2201), "text", "CONTENT_TOO_LONG"),
    ],
)  # fmt: skip
def test_each_breach_is_named_with_its_field_and_code(wrong: Draft, field: str, code: str):
    assert [(problem.field, problem.code) for problem in validate(wrong, CAPABILITIES)] == [(field, code)]


NOBODY = Account("con", "1", "acme", SecretStr("x"), None, frozenset())
PICTURE = File("m1", "A cat", "square.jpg", "http://us")
FILM = File("m2", None, "tall.mp4", "http://us")
PICTURE_URL, FILM_URL = "http://us/files/square.jpg", "http://us/files/tall.mp4"


@pytest.mark.parametrize(
    ("media", "settings", "items", "form"),
    [
        ((PICTURE,), {}, [], {"image_url": PICTURE_URL, "alt_text": "A cat", "caption": "Look"}),
        (
            (FILM,),
            {"shareToFeed": False, "thumbOffset": 0, "collaborators": ["jane"], "locationId": "7"},
            [],
            {
                "media_type": "REELS",
                "video_url": FILM_URL,
                "caption": "Look",
                "thumb_offset": "0",
                "share_to_feed": "false",
                "collaborators": '["jane"]',
                "location_id": "7",
            },
        ),
        (
            (PICTURE, FILM),
            {},
            [
                {"is_carousel_item": "true", "image_url": PICTURE_URL, "alt_text": "A cat"},
                {"is_carousel_item": "true", "media_type": "VIDEO", "video_url": FILM_URL},
            ],
            {"media_type": "CAROUSEL", "children": "c1,c2", "caption": "Look"},
        ),
        ((PICTURE,), {"placement": "story"}, [], {"media_type": "STORIES", "image_url": PICTURE_URL}),
        ((FILM,), {"placement": "story"}, [], {"media_type": "STORIES", "video_url": FILM_URL}),
    ],
    ids=["image", "reel", "carousel", "story", "filmed_story"],
)
def test_containers_are_made_as_instagram_documents_them(
    media: tuple[File, ...], settings: Mapping[str, Any], items: object, form: object
):
    own = InstagramSettings.model_validate(settings)
    delivery = Delivery("pp", NOBODY, (Part("Look", media),), None, own, first_intent_at=datetime.now(UTC))
    assert children(delivery) == items
    assert parent(delivery, ["c1", "c2"]) == form


async def test_media_that_instagram_cannot_work_on_are_refused_and_forgotten(
    owner: Owner, instagram: SocialPlatform, account: Account
):
    delivery = sample("video", instagram, account, owner.sandbox.clock.now(), owner.sandbox.url)
    book = Notebook(owner.sandbox.clock)
    await owner.order("instagram", "processing_failed")
    with pytest.raises(ProviderFailed) as refused:
        await attempt(instagram, delivery, book)
    assert isinstance(refused.value.remedy, (Rejected, Retry))
    assert book.state["container"] is None
    await deliver(instagram, delivery, book)  # whoever tries again tries with a new one
    assert len(await owner.posts("instagram")) == 1


async def test_a_container_that_is_gone_is_made_again(owner: Owner, instagram: SocialPlatform, account: Account):
    delivery = sample("images", instagram, account, owner.sandbox.clock.now(), owner.sandbox.url)
    book = Notebook(owner.sandbox.clock, state={"children": ["17900000000000001"]})
    with pytest.raises(ProviderFailed) as expired:
        await attempt(instagram, delivery, book)
    assert expired.value.remedy == EXPIRED
    await deliver(instagram, delivery, book)
    (entry,) = await owner.posts("instagram")
    assert len(entry["media"]) == 2


async def test_what_a_container_says_is_public_is_never_published_again(
    owner: Owner, instagram: SocialPlatform, account: Account
):
    delivery = sample("image", instagram, account, owner.sandbox.clock.now(), owner.sandbox.url)
    book = Notebook(owner.sandbox.clock)
    done = await deliver(instagram, delivery, book)
    forgetful = Notebook(owner.sandbox.clock, state={"container": book.state["container"]})
    with pytest.raises(ProviderFailed) as public:
        await instagram.publish(delivery, forgetful)
    assert public.value.remedy == Unknown()
    found = await instagram.find(delivery, forgetful)
    assert isinstance(found, Done)
    assert found.remote_id == done.remote_id


async def test_of_two_containers_made_and_one_saved_one_is_published(
    owner: Owner, instagram: SocialPlatform, account: Account
):
    delivery = sample("images", instagram, account, owner.sandbox.clock.now(), owner.sandbox.url)
    for point in (1, 2, 3):  # before the answer about each child, and about the album, was kept
        await deliver(instagram, delivery, Notebook(owner.sandbox.clock, crash_at=point))
        assert len(await owner.posts("instagram")) == point
