"""Lengths as the vendors count them. The cases of X follow twitter-text's conformance suite (Apache-2.0), its
sections `WeightedTweetsWithDiscountedEmojiCounterTest`, `UnicodeDirectionalMarkerCounterTest` and `urls`."""

import time
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.platforms.text_length import (
    code_points,
    emoji_as_bytes,
    find_urls,
    utf8_bytes,
    utf16_units,
    weighted_length,
    with_link,
)

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
WALES = "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
TEN_HIRAGANA = "あいうえおかきくけこ"
LONG_LABEL = "https://" + "somesuperlongurl" * 250 + ".com/foo"

WEIGHTS = [
    ("", 0),
    ("This is a test.", 15),
    ("http://test.com", 23),
    ("test.com", 23),
    ("Test https://test.com test https://test.com test.com test", 86),
    ("Hi http://test.co", 26),
    ("285 chars-" + "xxxxxxxxxx-" * 25, 285),
    ("285 chars- http://www.twitter.com/jack " + "xxxxxxxxxx-" * 24, 299),
    ("xxxxxxxxxx-" * 24 + " http://www.twitter.com/jack ", 289),
    ("https://www.twitter.com/aloha " * 10, 240),
    ("故人西辞黄鹤楼，烟花三月下扬州。" * 10, 320),
    ("😷" * 160, 320),
    ("A\u0301B", 2),
    ("A\ufb2c", 4),
    (f"H🐱☺{FAMILY}", 7),
    ("😷👾😡🔥💩", 10),
    ("🙋🏽👨\u200d🎤", 4),
    ("1\u20e3", 2),
    ("1\ufe0f\u20e3", 2),
    ("🇩🇪", 2),
    (WALES, 2),
    (FAMILY * 140, 280),
    (f"Unicode 10.0 emoji: 🤪; 🧕; 🧕🏾; {WALES}", 34),
    ("Unicode 9.0 emoji: 🤠; 💃; 💃🏾", 29),
    ("© and ®", 7),
    ("©\ufe0f and ®\ufe0f", 9),
    (
        "This is a tweet with general punctuation characters: \u2000\u2001\u2002\u2003\u2004\u2005\u2006"
        "\u2007\u2008\u2009\u200a\u200b ‐ ‑ ‒ – — ― ‖  ‗ ‘ ’ ‚ ‛ “ ” „ ‟ ′ ″ ‴ ‵ ‶ ‷",
        110,
    ),
    ("ABC\u202a\uffffABC\ufffe", 12),
    ("\u2066\u202ahttp://foobar.پاکستان/\u202c\u2069", 31),
    ("randomurl" * 6 + "randomurls.com", 68),
    (f"{LONG_LABEL} https://validurl.com", len(LONG_LABEL) + 1 + 23),
    (f"{TEN_HIRAGANA * 12} http://{TEN_HIRAGANA * 5}あいう.com", 358),
    (f"{TEN_HIRAGANA * 12} http://{TEN_HIRAGANA * 5}あい.com", 264),
]

URLS = [
    (
        "text http://google.com/#search?q=iphone%20-filter%3Alinks",
        ["http://google.com/#search?q=iphone%20-filter%3Alinks"],
    ),
    ("text http://somehost.com:3000", ["http://somehost.com:3000"]),
    ("text http://xo.com/~matthew+%ff-,.;x", ["http://xo.com/~matthew+%ff-,.;x"]),
    ("text http://en.wikipedia.org/wiki/Primer_(film)", ["http://en.wikipedia.org/wiki/Primer_(film)"]),
    ("see http://a.com/item(v=VS.100).aspx", ["http://a.com/item(v=VS.100).aspx"]),
    ("text http://✪df.ws/ejp", ["http://✪df.ws/ejp"]),
    ("test http://example.comだよね.comtest/hogehoge", ["http://example.com"]),
    ("text http://chilp.it/?77e8fd", ["http://chilp.it/?77e8fd"]),
    (
        "text https://www.youtube.com/watch?v=LO&list=PL_9U-",
        ["https://www.youtube.com/watch?v=LO&list=PL_9U-"],
    ),
    ("text http://no-tld", []),
    ("text http://tld-too-short.x", []),
    ("(http://twitter.com", ["http://twitter.com"]),
    ("text http://domain.com-that-you-should-have-put-a-space-after", ["http://domain.com"]),
    ("text http://foo.com?#foo text", ["http://foo.com?#foo"]),
    ("foo.baz foo.co.jp www.foo.co.uk foo.comm foo.govedu foo.jp", ["foo.co.jp", "www.foo.co.uk", "foo.jp"]),
    ("t.co/abcde bit.ly/abcde", ["t.co/abcde", "bit.ly/abcde"]),
    (
        "Go to http://example.com/a+ or http://example.com/a-",
        ["http://example.com/a+", "http://example.com/a-"],
    ),
    (
        "https://en.m.wikipedia.org/wiki/Hatfield–McCoy_feud please",
        ["https://en.m.wikipedia.org/wiki/Hatfield–McCoy_feud"],
    ),
    ("@user Try http:// example.com/path", ["example.com/path"]),
    (
        "http://twitter.com/これは日本語です。example.com中国語http://t.co/abcde한국twitter.comテストexample2.com",
        ["http://twitter.com/", "example.com", "http://t.co/abcde", "twitter.com", "example2.com"],
    ),
    ("Go to http://twitter.com/Русские_слова", ["http://twitter.com/Русские_слова"]),
    ("http://exampleこれは日本語です.com/a.html", ["http://exampleこれは日本語です.com/a.html"]),
    ("twitter.jp日本語it.so中国語foo.jp it.so", ["twitter.jp", "it.so", "foo.jp", "it.so"]),
    ("Hello http://xn--はじめよう.com/index.html", []),
    ("text http://domain-dash_2314352345_dfasd.foo-cow_4352.com", []),
    ("MLB.tv vine.co", ["MLB.tv", "vine.co"]),
    ("test http://sub_domain-dash.twitter.com", ["http://sub_domain-dash.twitter.com"]),
    ("test http://a.b.cd", ["http://a.b.cd"]),
    ("test http://-leadingdash.twitter.com http://leadingdash.-twitter.com", []),
    ("test http://trailingdash-.twitter.com http://_under.twitter.com http://under_.twitter.com", []),
    ("test http://twitter_underscore.com http://twitter.c_o_m", []),
    ("test http://foo.com/bar/123/foo_&_bar/", ["http://foo.com/bar/123/foo_&_bar/"]),
    ("test ELPAÍS.com", ["ELPAÍS.com"]),
    (
        "http://twitter.com/. and http://example.com/path.....",
        ["http://twitter.com/", "http://example.com/path"],
    ),
    ("http://example.com/path/!!!!!!", ["http://example.com/path/"]),
    ("#test.com @test.com #http://test.com @http://test.com #t.co/abcde @t.co/abcde", []),
    ("http://t.co/pbY2NfTZ's http://t.co/FNkPfmii- x", ["http://t.co/pbY2NfTZ", "http://t.co/FNkPfmii"]),
    (
        "http://t.co/abcdefghijklmnopqrstuvwxyz0123456789",
        ["http://t.co/abcdefghijklmnopqrstuvwxyz0123456789"],
    ),
    ("http://t.co/abcdefghijklmnopqrstuvwxyz012345678901234", []),
    ("text https://t.co/asdfdf?a=b#123", ["https://t.co/asdfdf?a=b#123"]),
    (
        "http://www.foo.com?referer=https://t.co/abcde http://t.co/xyzzy",
        ["http://www.foo.com?referer=https://t.co/abcde", "http://t.co/xyzzy"],
    ),
    ("example.comてすとですtwitter.みんなです", ["example.com", "twitter.みんな"]),
    ("$http://twitter.com $twitter.com $t.co $TVI.CA", []),
    ("long.test.tar.bz2 Node.js v2.5", []),
    ("john.doe.gov@mail.com john.doe.jp@mail.com", []),
    ("http://xn--ls8h.XN--ls8h.la/", ["http://xn--ls8h.XN--ls8h.la/"]),
    ("http://foobar.みんな/ http://foobar.中国/", ["http://foobar.みんな/", "http://foobar.中国/"]),
    (
        "\u2066\u202atest abcdef.com پاکستان http://twitter.com/\u202c\u2069",
        ["abcdef.com", "http://twitter.com/"],
    ),
]


@pytest.mark.parametrize(("text", "weight"), WEIGHTS)
def test_x_weighs_a_text_as_twitter_text_does(text: str, weight: int):
    assert weighted_length(text) == weight


@pytest.mark.parametrize(("text", "urls"), URLS)
def test_x_finds_the_links_that_twitter_text_finds(text: str, urls: list[str]):
    assert [text[start:end] for start, end in find_urls(text)] == urls


@given(st.text())
def test_composed_and_decomposed_text_weigh_the_same(text: str):
    assert weighted_length(normalize("NFD", text)) == weighted_length(normalize("NFC", text))


@given(st.text(), st.text())
def test_lines_weigh_on_their_own(first: str, second: str):
    assert weighted_length(f"{first}\n{second}") == weighted_length(first) + 1 + weighted_length(second)


@given(st.text(st.characters(max_codepoint=0x24F, exclude_characters=".©®#*0123456789")))
def test_latin_text_without_links_weighs_one_a_character(text: str):
    assert weighted_length(text) == len(normalize("NFC", text))


@given(st.from_regex(r"https://[a-z]{1,20}\.com/[a-z0-9]{0,200}", fullmatch=True))
def test_a_link_weighs_the_same_however_long_it_is(url: str):
    assert weighted_length(f"See {url}") == 27


@given(st.text())
def test_links_are_found_in_order_and_never_overlap(text: str):
    spans = find_urls(text + " a.com http://b.org/x ")
    flat = [edge for span in spans for edge in span]
    assert flat == sorted(flat)
    assert len(spans) >= 1


@given(st.text())
def test_the_units_are_ordered_by_their_size(text: str):
    assert code_points(text) <= utf16_units(text) <= utf8_bytes(text) <= 4 * code_points(text)


def test_units_of_an_emoji_and_of_an_accent():
    assert (code_points("é🎉"), utf16_units("é🎉"), utf8_bytes("é🎉")) == (2, 3, 6)
    assert utf16_units("é🎉") == len("é🎉".encode("utf-16-le")) // 2


HOSTILE = [
    "a." * 5000,
    "a" * 20000 + ".",
    "http://" + "あ" * 20000 + ".",
    "http://x.com/" + "(a" * 5000,
    "http://" * 3000 + ".",
    "http://x.com/?" + "." * 20000,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_measured_in_no_time(text: str):
    start = time.perf_counter()
    weighted_length(text)
    assert time.perf_counter() - start < 2


def test_a_link_joins_the_text_once():
    assert with_link("Hello", "https://a.com/x") == "Hello\n\nhttps://a.com/x"
    assert with_link("Hello https://a.com/x", "https://a.com/x") == "Hello https://a.com/x"
    assert with_link("", "https://a.com") == "https://a.com"
    assert with_link("Hello", None) == "Hello"


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("Café 字", 6),
        ("🚀", 4),
        ("Go 🚀!", 8),
        ("1\ufe0f\u20e3", 7),
        ("🇩🇪", 8),
        (FAMILY, 25),
        (WALES, 28),
        ("1 # *", 5),
    ],
)
def test_on_threads_an_emoji_counts_its_bytes(text: str, length: int):
    assert emoji_as_bytes(text) == length
