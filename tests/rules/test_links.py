"""Links leave with the parameters that tell visits apart; hashtags leave in the one form that all platforms link."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.content.links import normalise_hashtag, normalise_hashtags, slug, tag_link, with_hashtags


def tagged(url: str, platform: str = "twitter") -> str:
    return tag_link(url, platform=platform, mission_name="Product Launch Campaign", content_id="cnt_1")


def test_a_link_says_platform_mission_and_item():
    assert tagged("https://acme.com/blog") == (
        "https://acme.com/blog?utm_source=twitter&utm_medium=social"
        "&utm_campaign=product-launch-campaign&utm_content=cnt_1"
    )


def test_the_query_and_the_fragment_of_a_link_stay():
    url = tagged("https://acme.com/a;v=1?q=a%20b+c&flag&x=#top")
    assert url.startswith("https://acme.com/a;v=1?q=a%20b+c&flag&x=&utm_source=twitter")
    assert url.endswith("&utm_content=cnt_1#top")


def test_a_parameter_that_somebody_set_is_kept():
    query = parse_qs(urlsplit(tagged("https://acme.com/?utm_campaign=mine")).query)
    assert query["utm_campaign"] == ["mine"]
    assert query["utm_source"] == ["twitter"]


@pytest.mark.parametrize("address", ["mailto:a@acme.com", "acme.com/x", ""])
def test_what_is_no_web_address_is_left_alone(address: str):
    assert tagged(address) == address


ADDRESS = r"https://[a-z]{1,9}\.com(/[a-z0-9]{0,5})?(\?[a-z]=[a-z0-9%&=]{0,9})?(#[a-z]{0,4})?"


@given(st.from_regex(ADDRESS, fullmatch=True))
def test_tagging_twice_changes_nothing(url: str):
    assert tagged(tagged(url), platform="linkedin") == tagged(url)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Product Launch Campaign", "product-launch-campaign"),
        ("  Été: 50% off!! ", "ete-50-off"),
        ("Q1_Developer Outreach", "q1-developer-outreach"),
        ("春のキャンペーン 2026", "春のキャンペーン-2026"),
        ("!!!", ""),
    ],
)
def test_a_mission_name_becomes_a_slug(name: str, expected: str):
    assert slug(name) == expected


@pytest.mark.parametrize(
    ("given_tag", "expected"),
    [
        ("DevTools", "#DevTools"),
        ("#DevTools", "#DevTools"),
        ("##devtools ", "#devtools"),
        ("product launch", "#ProductLaunch"),
        ("#product-launch", "#ProductLaunch"),
        ("C++", "#C"),
        ("日本語", "#日本語"),
        ("snake_case", "#snake_case"),
        ("2026", None),
        ("🎉", None),
        ("", None),
    ],
)
def test_a_hashtag_takes_the_form_that_platforms_link(given_tag: str, expected: str | None):
    assert normalise_hashtag(given_tag) == expected


@given(st.text())
def test_a_normal_hashtag_is_its_own_normal_form(tag: str):
    normal = normalise_hashtag(tag)
    assert normal is None or normalise_hashtag(normal) == normal


def test_each_hashtag_stands_once_in_the_order_given():
    assert normalise_hashtags(["AI", "#ai", "dev tools", "2026", "#DevTools"]) == ("#AI", "#DevTools")


def test_hashtags_that_the_text_lacks_end_it():
    assert with_hashtags("We ship #ai today", ["#AI", "#DevTools"]) == "We ship #ai today\n\n#DevTools"
    assert with_hashtags("We ship", []) == "We ship"
    assert with_hashtags("", ["#AI"]) == "#AI"
