"""A draft against what a platform declares: every problem at once, each one saying where and what."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.platforms.port import Capabilities, Draft, MediaRule, Medium, Problem, Settings, TextRule
from amp.domain.platforms.text_length import weighted_length
from amp.domain.platforms.validation import outgoing_text, validate

JPEG = Medium("image/jpeg", size_bytes=200_000, width=1200, height=800)
MP4 = Medium("video/mp4", size_bytes=9_000_000, width=1280, height=720, seconds=30)
GIF = Medium("image/gif", size_bytes=90_000)


class BoardSettings(Settings):
    audience: str = "everyone"
    card_title: str | None = None


def _title_needs_link(draft: Draft, settings: Settings) -> Iterator[Problem]:
    assert isinstance(settings, BoardSettings)
    if settings.card_title and not draft.link:
        yield Problem("board", "settings.cardTitle", "VALIDATION_FAILED", "A card title needs a link")


BOARD = Capabilities(
    platform="board",
    name="Board",
    text=TextRule(limit=280, count=weighted_length, unit="weighted characters"),
    text_only=True,
    images=MediaRule(
        max_count=4,
        mime_types=frozenset({"image/jpeg", "image/png"}),
        max_bytes=5_000_000,
        alt_text_limit=100,
        min_side=32,
        max_pixels=36_000_000,
    ),
    video=MediaRule(
        max_count=1,
        mime_types=frozenset({"video/mp4"}),
        max_bytes=512_000_000,
        min_seconds=0.5,
        max_seconds=140,
        max_width=1280,
        max_height=1024,
        min_aspect=1 / 3,
        max_aspect=3,
    ),
    max_thread_parts=3,
    settings=BoardSettings,
    own_rules=(_title_needs_link,),
)


def problems(draft: Draft, capabilities: Capabilities = BOARD) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in validate(draft, capabilities)]


@pytest.mark.parametrize(
    "draft",
    [
        Draft(("Hello",)),
        Draft(("x" * 280,)),
        Draft(("x" * 250,), link="https://acme.com/" + "y" * 300),
        Draft(("one", "two", "three")),
        Draft(("",), media=(JPEG,)),
        Draft(("Look",), media=(JPEG,) * 4),
        Draft(("Watch",), media=(MP4,)),
        Draft(("Unmeasured",), media=(Medium("video/mp4"),)),
        Draft(("Card",), link="https://acme.io", settings={"cardTitle": "Acme", "audience": "friends"}),
    ],
)
def test_what_a_platform_takes_has_no_problems(draft: Draft):
    assert validate(draft, BOARD) == ()


@pytest.mark.parametrize(
    ("draft", "field", "code"),
    [
        (Draft(()), "text", "VALIDATION_FAILED"),
        (Draft((" \n",)), "text", "VALIDATION_FAILED"),
        (Draft(("a", "", "c")), "parts[1].text", "VALIDATION_FAILED"),
        (Draft(("a", ""), media=(JPEG,)), "parts[1].text", "VALIDATION_FAILED"),
        (Draft(("x" * 281,)), "text", "CONTENT_TOO_LONG"),
        (Draft(("字" * 141,)), "text", "CONTENT_TOO_LONG"),
        (Draft(("x" * 256,), link="https://acme.io"), "text", "CONTENT_TOO_LONG"),
        (Draft(("a", "x" * 281)), "parts[1].text", "CONTENT_TOO_LONG"),
        (Draft(("a",) * 4), "parts", "VALIDATION_FAILED"),
        (Draft(("a",), media=(JPEG,) * 5), "media", "UNSUPPORTED_MEDIA_CONFIG"),
        (Draft(("a",), media=(MP4, MP4)), "media", "UNSUPPORTED_MEDIA_CONFIG"),
        (Draft(("a",), media=(JPEG, MP4)), "media", "MIXED_MEDIA_NOT_SUPPORTED"),
        (Draft(("a",), media=(GIF,)), "media[0].mimeType", "UNSUPPORTED_MEDIA_TYPE"),
        (Draft(("a",), media=(Medium("application/pdf"),)), "media[0].mimeType", "UNSUPPORTED_MEDIA_TYPE"),
        (Draft(("a",), media=(Medium("image/webp"),)), "media[0].mimeType", "UNSUPPORTED_MEDIA_TYPE"),
        (Draft(("a",), link="acme.io"), "linkUrl", "VALIDATION_FAILED"),
        (Draft(("a",), link="javascript:alert(1)"), "linkUrl", "VALIDATION_FAILED"),
        (Draft(("a",), link="https://[oops"), "linkUrl", "VALIDATION_FAILED"),
        (Draft(("a",), link="https://a.com/a b"), "linkUrl", "VALIDATION_FAILED"),
        (Draft(("a",), settings={"organizationId": "7"}), "settings.organizationId", "VALIDATION_FAILED"),
        (Draft(("a",), settings={"audience": 7}), "settings.audience", "VALIDATION_FAILED"),
        (Draft(("a",), settings={"cardTitle": "Acme"}), "settings.cardTitle", "VALIDATION_FAILED"),
    ],
)  # fmt: skip
def test_each_breach_is_named_with_its_field_and_code(draft: Draft, field: str, code: str):
    assert problems(draft) == [(field, code)]


@pytest.mark.parametrize(
    ("medium", "field"),
    [
        (replace(JPEG, size_bytes=5_000_001), "sizeBytes"),
        (replace(JPEG, width=31), "width"),
        (replace(JPEG, width=9000, height=4001), "width"),
        (replace(MP4, seconds=0.4), "durationSeconds"),
        (replace(MP4, seconds=140.1), "durationSeconds"),
        (replace(MP4, width=1281), "width"),
        (replace(MP4, height=1025), "height"),
        (replace(MP4, width=300, height=1000), "width"),
        (replace(MP4, width=1280, height=420), "width"),
    ],
)
def test_a_medium_out_of_bounds_is_refused_for_its_shape(medium: Medium, field: str):
    assert problems(Draft(("a",), media=(medium,))) == [(f"media[0].{field}", "UNSUPPORTED_MEDIA_CONFIG")]


def test_a_bound_is_told_to_the_last_digit():
    (problem,) = validate(Draft(("a",), media=(replace(JPEG, width=9000, height=4001),)), BOARD)
    assert problem.message == "Board: at most 36,000,000 pixels; this is 36,009,000 pixels"


@pytest.mark.parametrize(
    ("takes", "needs"),
    [
        ({}, "an image or a video"),
        ({"images": None}, "a video"),
        ({"video": None}, "an image"),
    ],
)
def test_a_platform_that_needs_media_says_which(takes: dict[str, None], needs: str):
    (problem,) = validate(Draft(("a",)), replace(BOARD, text_only=False, **takes))
    assert problem.message == f"Board needs {needs}"


def test_alternative_text_has_its_own_limit():
    draft = Draft(("a",), media=(JPEG, replace(JPEG, alt_text="x" * 101)))
    assert problems(draft) == [("media[1].altText", "VALIDATION_FAILED")]


def test_all_problems_of_a_draft_come_at_once():
    draft = Draft(("x" * 281, ""), media=(GIF, MP4, MP4), link="nonsense", settings={"audience": 1, "unknown": 2})
    assert sorted(code for _, code in problems(draft)) == [
        "CONTENT_TOO_LONG",
        "MIXED_MEDIA_NOT_SUPPORTED",
        "UNSUPPORTED_MEDIA_CONFIG",
        "UNSUPPORTED_MEDIA_TYPE",
        "VALIDATION_FAILED",
        "VALIDATION_FAILED",
        "VALIDATION_FAILED",
        "VALIDATION_FAILED",
    ]


def test_messages_say_what_is_allowed_and_what_was_given():
    (long,) = validate(Draft(("x" * 290,)), BOARD)
    assert long.message == "Board allows 280 weighted characters; this is 290, 10 too long"
    (large,) = validate(Draft(("a",), media=(replace(JPEG, size_bytes=7_500_000),)), BOARD)
    assert large.message == "Board: at most 5.0 MB; this is 7.5 MB"


def test_a_platform_without_text_posts_asks_for_a_medium():
    assert problems(Draft(("a",)), replace(BOARD, text_only=False)) == [("media", "UNSUPPORTED_MEDIA_CONFIG")]


def test_a_platform_without_links_refuses_one():
    deaf = replace(BOARD, link_in_text=False)
    assert problems(Draft(("a",), link="https://acme.io"), deaf) == [("linkUrl", "VALIDATION_FAILED")]


def test_a_platform_without_threads_refuses_one():
    single = replace(BOARD, max_thread_parts=1)
    assert problems(Draft(("a", "b")), single) == [("parts", "VALIDATION_FAILED")]


def test_a_platform_that_mixes_media_may_mix_them():
    assert problems(Draft(("a",), media=(JPEG, MP4)), replace(BOARD, mixed_media=True)) == []


@pytest.mark.parametrize(("count", "found"), [(3, []), (4, [("media", "UNSUPPORTED_MEDIA_CONFIG")])])
def test_media_that_may_be_mixed_have_a_number_for_all_kinds_together(count: int, found: list[tuple[str, str]]):
    mixed = replace(BOARD, mixed_media=True, max_media=3)
    assert problems(Draft(("a",), media=(MP4, *[JPEG] * (count - 1))), mixed) == found


def test_a_link_with_a_card_leaves_the_text_alone():
    draft = Draft(("x" * 280,), link="https://acme.io")
    assert problems(draft) == [("text", "CONTENT_TOO_LONG")]
    carded = replace(BOARD, link_card=True)
    assert problems(draft, carded) == []
    assert outgoing_text(draft, carded, BoardSettings()) == draft.parts


def test_beside_media_a_link_joins_the_text():
    draft = Draft(("Look",), media=(JPEG,), link="https://acme.io")
    assert outgoing_text(draft, replace(BOARD, link_card=True), BoardSettings()) == ("Look\n\nhttps://acme.io",)


@given(st.lists(st.text(max_size=400), max_size=5), st.text() | st.none())
def test_any_text_is_judged_and_every_problem_is_explained(parts: list[str], link: str | None):
    for problem in validate(Draft(tuple(parts), link=link), BOARD):
        assert problem.platform == "board"
        assert problem.field.startswith(("text", "parts", "linkUrl"))
        assert problem.message
