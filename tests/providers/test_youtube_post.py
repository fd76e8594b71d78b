"""What goes to YouTube: titles from texts, privacy that is always said, and what is refused beforehand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from courier import File
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from amp.domain.platforms.port import Draft, Medium
from amp.domain.platforms.text_length import utf16_units
from amp.domain.platforms.validation import validate
from amp.domain.publishing.port import Account, Delivery, Part
from amp.providers.social._headline import headline
from amp.providers.social._youtube_post import YouTubeSettings, privacy_notes, video_body
from amp.providers.social.youtube import CAPABILITIES

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ACCOUNT = Account("con_1", "UC1", "acme", SecretStr("t"), None, frozenset())
TEXT = "Launch day\nAll about it, in ten seconds"
DELIVERY = Delivery("pp_1", ACCOUNT, (Part(TEXT, (File("m1", name="tall.mp4"),)),), None, YouTubeSettings(), NOON)
MP4 = Medium("video/mp4", size_bytes=9_000_000, width=1920, height=1080, seconds=45)
JPEG = Medium("image/jpeg", size_bytes=200_000)


def body(
    settings: YouTubeSettings, *, force_private: bool = False, link: str | None = None
) -> dict[str, dict[str, object]]:
    return video_body(replace(DELIVERY, link_url=link), settings, force_private=force_private)


def test_a_text_gives_the_title_and_the_description():
    snippet = body(YouTubeSettings())["snippet"]
    assert (snippet["title"], snippet["description"]) == ("Launch day", TEXT)
    assert snippet["categoryId"] == "22"


def test_a_text_of_one_line_is_the_title_and_not_said_twice():
    one = replace(DELIVERY, parts=(Part("Launch day", DELIVERY.parts[0].media),))
    assert video_body(one, YouTubeSettings(), force_private=False)["snippet"]["description"] == ""


def test_the_settings_come_before_the_text_and_the_link_ends_the_description():
    settings = YouTubeSettings(title="Explicit", description="Walkthrough", tags=("launch", "demo"), category_id="28")
    assert body(settings, link="https://acme.com")["snippet"] == {
        "title": "Explicit",
        "description": "Walkthrough\n\nhttps://acme.com",
        "tags": ["launch", "demo"],
        "categoryId": "28",
    }


def test_the_privacy_is_always_said_and_private_by_default():
    assert body(YouTubeSettings())["status"] == {
        "privacyStatus": "private",
        "selfDeclaredMadeForKids": False,
        "containsSyntheticMedia": False,
    }


def test_a_moment_for_the_public_goes_to_youtube():
    status = body(YouTubeSettings(publish_at=NOON))["status"]
    assert (status["privacyStatus"], status["publishAt"]) == ("private", "2026-11-20T12:00:00Z")


def test_where_uploads_are_forced_to_private_nothing_makes_them_public_later():
    settings = YouTubeSettings(publish_at=NOON)
    assert "publishAt" not in body(settings, force_private=True)["status"]
    assert body(YouTubeSettings(privacy_status="public"), force_private=True)["status"]["privacyStatus"] == "private"
    for forced in (settings, YouTubeSettings(privacy_status="public"), YouTubeSettings(privacy_status="unlisted")):
        assert "YOUTUBE_FORCE_PRIVATE_UPLOADS" in privacy_notes(forced, "private", force_private=True)[0]
    assert privacy_notes(YouTubeSettings(), "private", force_private=True) == ()


def test_a_video_that_becomes_public_later_is_noted():
    (note,) = privacy_notes(YouTubeSettings(publish_at=NOON), "private", force_private=False)
    assert "2026-11-20T12:00:00Z" in note


@pytest.mark.parametrize(
    ("asked", "became", "notes"), [("public", "private", 1), ("public", "public", 0), ("unlisted", "private", 1)]
)
def test_a_video_that_youtube_made_private_is_noted(asked: str, became: str, notes: int):
    settings = YouTubeSettings.model_validate({"privacyStatus": asked})
    assert len(privacy_notes(settings, became, force_private=False)) == notes


@pytest.mark.parametrize(
    ("text", "settings", "fields"),
    [
        ("Launch", {}, []),
        ("", {"title": "Launch"}, []),
        ("a < b", {"title": "Launch", "description": "Fine"}, []),
        ("Launch", {"publishAt": "2026-12-01T10:00:00Z"}, []),
        ("", {}, ["text"]),
        ("Launch", {"title": " "}, ["settings.title"]),
        ("Launch", {"title": "x" * 101}, ["settings.title"]),
        ("a < b", {"description": "a > b"}, ["text", "settings.description"]),
        ("Launch", {"description": "é" * 2501}, ["settings.description"]),
        ("Launch", {"tags": ["x" * 100] * 5}, ["settings.tags"]),
        ("Launch", {"tags": ["two words" + "x" * 90] * 5}, ["settings.tags"]),
        ("Launch", {"privacyStatus": "friends"}, ["settings.privacyStatus"]),
        ("Launch", {"publishAt": "2026-12-01T10:00:00"}, ["settings.publishAt"]),
        ("Launch", {"publishAt": "2026-11-20T12:00:00Z"}, ["settings.publishAt"]),
        ("Launch", {"publishAt": "2026-12-01T10:00:00Z", "privacyStatus": "public"}, ["settings.publishAt"]),
        ("Launch", {"playlist": "x"}, ["settings.playlist"]),
    ],
)
def test_what_youtube_would_refuse_is_said_beforehand(text: str, settings: dict[str, object], fields: list[str]):
    draft = Draft((text,), media=(MP4,), settings=settings, now=NOON)
    assert [problem.field for problem in validate(draft, CAPABILITIES)] == fields


def test_publish_at_and_our_own_schedule_exclude_each_other():
    at = {"publishAt": "2026-12-01T10:00:00Z"}
    draft = Draft(("Launch",), media=(MP4,), settings=at, now=NOON, scheduled_for=NOON + timedelta(days=1))
    (problem,) = validate(draft, CAPABILITIES)
    assert (problem.field, problem.code) == ("settings.publishAt", "VALIDATION_FAILED")


@pytest.mark.parametrize("media", [(), (JPEG,), (MP4, JPEG), (MP4, MP4)])
def test_it_takes_exactly_one_video(media: tuple[Medium, ...]):
    assert validate(Draft(("Launch",), media=media), CAPABILITIES)


@given(st.text(), st.integers(min_value=2, max_value=100))
def test_a_headline_is_never_too_long_and_begins_like_the_text(text: str, limit: int):
    title = headline(text, limit, utf16_units)
    assert utf16_units(title) <= limit
    assert "\n" not in title
    assert text.strip().startswith(title.removesuffix("…").strip())
