"""What goes to LinkedIn: text that is read as it stands, and the one shape of content that the post needs."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from files import File
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from amp.domain.platforms.port import Draft, Medium
from amp.domain.platforms.validation import validate
from amp.domain.publishing.port import Account, Delivery, Part
from amp.providers.social._linkedin_post import LinkedInSettings, little_text, post_body
from amp.providers.social.linkedin import CAPABILITIES

RESERVED = "|{}@[]()<>#\\*_~"
ACCOUNT = Account("con_1", "AbC123", "Ada", SecretStr("t"), None, frozenset())
DELIVERY = Delivery(
    "pp_1", ACCOUNT, (Part("Hello (all)"),), None, LinkedInSettings(), datetime(2026, 11, 20, tzinfo=UTC)
)
IMAGE, OTHER = "urn:li:image:1", "urn:li:image:2"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("Plain text, with 50 % & more!", "Plain text, with 50 % & more!"),
        ("Yes (really)", r"Yes \(really\)"),
        ("a*b _c_ ~d~ e|f", r"a\*b \_c\_ \~d\~ e\|f"),
        ("<b> [x] {y} a\\b", r"\<b\> \[x\] \{y\} a\\b"),
        ("Ask @ada", r"Ask \@ada"),
        ("#AI is fun", "#AI is fun"),
        ("We write C# and #Python (#AI)", r"We write C\# and #Python \(#AI\)"),
        ("https://acme.com/a#part_1", r"https://acme.com/a\#part\_1"),
        ("# not a heading", r"\# not a heading"),
    ],
)
def test_reserved_characters_are_escaped_and_hashtags_stay(text: str, escaped: str):
    assert little_text(text) == escaped


@given(st.text(alphabet=st.characters() | st.sampled_from(RESERVED)))
def test_escaped_text_reads_as_it_was_written(text: str):
    assert re.sub(r"\\(.)", r"\1", little_text(text)) == text


@given(st.text(alphabet=st.sampled_from(RESERVED.replace("#", "") + "ab ")))
def test_no_reserved_character_stands_without_its_backslash(text: str):
    assert not re.search(r"[|{}@\[\]()<>*_~]", re.sub(r"\\.", "", little_text(text)))


def content(delivery: Delivery, *images: str) -> Any:
    return post_body(delivery, images).get("content")


def test_a_text_has_no_content_and_is_public():
    body = post_body(DELIVERY, [])
    assert "content" not in body
    assert (body["author"], body["visibility"], body["lifecycleState"]) == (
        "urn:li:person:AbC123",
        "PUBLIC",
        "PUBLISHED",
    )
    assert body["commentary"] == r"Hello \(all\)"


def test_visibility_is_a_setting():
    assert (
        post_body(replace(DELIVERY, settings=LinkedInSettings(visibility="CONNECTIONS")), [])["visibility"]
        == "CONNECTIONS"
    )


def test_one_image_is_media_and_several_are_a_multi_image():
    one = replace(DELIVERY, parts=(Part("Look", (File("m1", "A cat"),)),))
    assert content(one, IMAGE) == {"media": {"id": IMAGE, "altText": "A cat"}}
    two = replace(DELIVERY, parts=(Part("Look", (File("m1", "A cat"), File("m2"))),))
    assert content(two, IMAGE, OTHER) == {"multiImage": {"images": [{"id": IMAGE, "altText": "A cat"}, {"id": OTHER}]}}


def test_the_alternative_text_of_the_settings_serves_an_image_without_one():
    one = replace(DELIVERY, parts=(Part("Look", (File("m1"),)),), settings=LinkedInSettings(alt_text="A dog"))
    assert content(one, IMAGE) == {"media": {"id": IMAGE, "altText": "A dog"}}


def test_a_link_alone_is_a_card_and_stays_out_of_the_text():
    linked = replace(DELIVERY, link_url="https://acme.com/launch/")
    assert content(linked) == {
        "article": {
            "source": "https://acme.com/launch/",
            "title": "acme.com",
            "description": "acme.com/launch",
        }
    }
    assert "acme.com" not in post_body(linked, [])["commentary"]


def test_a_card_has_the_title_and_description_of_the_settings():
    settings = LinkedInSettings(article_title="Launch", article_description="All of it")
    article = content(replace(DELIVERY, link_url="https://acme.com", settings=settings))["article"]
    assert (article["title"], article["description"]) == ("Launch", "All of it")


def test_beside_an_image_a_titled_link_is_a_card_with_a_thumbnail_and_another_joins_the_text():
    pictured = replace(DELIVERY, parts=(Part("Look", (File("m1"),)),), link_url="https://acme.com")
    assert content(pictured, IMAGE) == {"media": {"id": IMAGE}}
    assert post_body(pictured, [IMAGE])["commentary"] == "Look\n\nhttps://acme.com"
    titled = replace(pictured, settings=LinkedInSettings(article_title="Launch"))
    assert content(titled, IMAGE)["article"]["thumbnail"] == IMAGE
    assert post_body(titled, [IMAGE])["commentary"] == "Look"


@given(st.text(min_size=1), st.none() | st.just("https://acme.com"))
def test_the_same_delivery_gives_the_same_body(text: str, link: str | None):
    delivery = replace(DELIVERY, parts=(Part(text),), link_url=link)
    assert post_body(delivery, []) == post_body(delivery, [])


@pytest.mark.parametrize("field", ["articleTitle", "articleDescription"])
def test_what_a_card_says_needs_a_link(field: str):
    without = Draft(("Hello",), settings={field: "x"})
    assert [problem.field for problem in validate(without, CAPABILITIES)] == [f"settings.{field}"]
    assert validate(replace(without, link="https://acme.com"), CAPABILITIES) == ()


@pytest.mark.parametrize("field", ["organizationId", "organizationUrn"])
def test_posting_for_an_organisation_is_refused(field: str):
    (problem,) = validate(Draft(("Hello",), settings={field: "1"}), CAPABILITIES)
    assert "organization is not open" in problem.message


VIDEO = Medium("video/mp4", size_bytes=9_000_000, seconds=30)


@pytest.mark.parametrize(
    ("draft", "fields"),
    [
        (Draft(("Look",), media=(VIDEO,)), []),
        (Draft(("Look",), media=(VIDEO,), link="https://acme.com"), []),
        (Draft(("Look",), media=(VIDEO, VIDEO)), ["media"]),
        (Draft(("Look",), media=(replace(VIDEO, size_bytes=74_999),)), ["media[0].sizeBytes"]),
        (Draft(("Look",), media=(replace(VIDEO, seconds=2),)), ["media[0].durationSeconds"]),
        (
            Draft(("Look",), media=(VIDEO,), link="https://acme.com", settings={"articleTitle": "Launch"}),
            ["settings.articleTitle"],
        ),
    ],
)
def test_it_takes_one_video_and_no_card_beside_it(draft: Draft, fields: list[str]):
    assert [problem.field for problem in validate(draft, CAPABILITIES)] == fields


def test_a_video_is_media_without_an_alternative_text():
    filmed = replace(DELIVERY, parts=(Part("Look", (File("m1", "A cat", "tall.mp4"),)),))
    assert content(filmed, "urn:li:video:1") == {"media": {"id": "urn:li:video:1"}}
