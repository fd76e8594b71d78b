"""What the Ampost reference promises of headers and settings, as the vendors get it."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from courier import Notebook
from files import File
from pydantic import SecretStr

from amp.domain.publishing.port import Account, Delivery, Part
from amp.kit.clock import RealClock
from amp.kit.errors import ProviderFailed
from amp.providers.discovery import Credentials, social_vendors
from amp.providers.social._tiktok_post import TikTokSettings, body_of
from amp.providers.social._tiktok_wire import Creator
from amp.providers.social._youtube_post import YouTubeSettings, video_body
from sites import Site, plain, site

pytestmark = pytest.mark.anyio

ACCOUNT = Account("con_1", "AbC123", "Ada", SecretStr("t"), None, frozenset())
FILM = File("m1", name="tall.mp4")


def delivery(platform: str, *files: File, **settings: Any) -> Delivery:
    own = social_vendors()[platform].capabilities.settings.model_validate(settings)
    return Delivery("pp_1", ACCOUNT, (Part("Launch day", files),), None, own, datetime(2026, 11, 20, tzinfo=UTC))


@asynccontextmanager
async def deaf_vendor() -> AsyncIterator[Site]:
    """Listens, and has nothing to say."""
    async with site() as served:
        served.answers = defaultdict(lambda: plain(b"", status="500 Not Today"))
        yield served


async def asked(vendor: Site, wanted: Delivery, platform: str, **credentials: str) -> tuple[str, Mapping[str, str]]:
    """The first line and the headers of the first request to publish this."""
    adapter = social_vendors()[platform].build(vendor.origin, RealClock(), Credentials(credentials))
    with pytest.raises(ProviderFailed):
        await adapter.publish(wanted, Notebook(RealClock()))
    await adapter.aclose()
    first, *lines = vendor.asked[0].strip().split("\r\n")
    return first, {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


@pytest.mark.parametrize(
    ("credentials", "version"),
    [({}, "202605"), ({"LINKEDIN_API_VERSION": "202609"}, "202609")],
    ids=["default Linkedin-Version: 202605", "LINKEDIN_API_VERSION bumps it"],
)
async def test_linkedin_calls_carry_linkedin_version_and_restli_protocol_version(
    credentials: dict[str, str], version: str
) -> None:
    async with deaf_vendor() as linkedin:
        line, headers = await asked(linkedin, delivery("linkedin"), "linkedin", **credentials)
    assert line.startswith("POST /rest/posts")
    assert headers["linkedin-version"] == version
    assert headers["x-restli-protocol-version"] == "2.0.0"


@pytest.mark.parametrize(("settings", "sent"), [({}, "true"), ({"notifySubscribers": False}, "false")])
async def test_youtube_is_told_whether_to_notify_subscribers(settings: dict[str, Any], sent: str) -> None:
    async with deaf_vendor() as youtube:
        line, _ = await asked(youtube, delivery("youtube", FILM, **settings), "youtube")
    assert line.startswith("POST /upload/youtube/v3/videos?")
    assert f"notifySubscribers={sent}" in line


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("title", "Explicit", ("snippet", "title", "Explicit")),
        ("description", "Walkthrough", ("snippet", "description", "Walkthrough")),
        ("tags", ("launch", "demo"), ("snippet", "tags", ["launch", "demo"])),
        ("categoryId", "28", ("snippet", "categoryId", "28")),
        ("privacyStatus", "unlisted", ("status", "privacyStatus", "unlisted")),
        ("publishAt", datetime(2026, 12, 1, tzinfo=UTC), ("status", "publishAt", "2026-12-01T00:00:00Z")),
        ("selfDeclaredMadeForKids", True, ("status", "selfDeclaredMadeForKids", True)),
        ("containsSyntheticMedia", True, ("status", "containsSyntheticMedia", True)),
    ],
)
def test_every_youtube_setting_reaches_youtube(name: str, value: Any, sent: tuple[str, str, Any]) -> None:
    settings = YouTubeSettings.model_validate({name: value})
    body = video_body(delivery("youtube", FILM), settings, force_private=False)
    part, key, expected = sent
    assert body[part][key] == expected


@pytest.mark.parametrize(
    ("name", "value", "key", "otherwise"),
    [
        ("disableComment", True, "disable_comment", False),
        ("disableDuet", True, "disable_duet", False),
        ("disableStitch", True, "disable_stitch", False),
        ("brandContentToggle", True, "brand_content_toggle", False),
        ("brandOrganicToggle", True, "brand_organic_toggle", False),
        ("isAigc", True, "is_aigc", False),
        ("videoCoverTimestampMs", 1500, "video_cover_timestamp_ms", None),
    ],
)
def test_every_tiktok_setting_reaches_tiktok(name: str, value: Any, key: str, otherwise: Any) -> None:
    assert post_info({name: value}).get(key) == value
    assert post_info({}).get(key) == otherwise


@pytest.mark.parametrize("control", ["comment", "duet", "stitch"])
def test_what_the_creator_has_switched_off_stays_off(control: str) -> None:
    creator = Creator.model_validate({"privacy_level_options": ["SELF_ONLY"], f"{control}_disabled": True})
    assert post_info({}, creator)[f"disable_{control}"] is True


def test_the_privacy_level_is_said_to_tiktok() -> None:
    assert post_info({})["privacy_level"] == "SELF_ONLY"


def post_info(settings: dict[str, Any], creator: Creator | None = None) -> dict[str, Any]:
    creator = creator or Creator(privacy_level_options=["SELF_ONLY"])
    return body_of(delivery("tiktok", FILM), TikTokSettings.model_validate(settings), creator, "SELF_ONLY")["post_info"]
