"""How X counts text, against numbers worked out from twitter-text's published rules."""

import pytest

from amp.sandbox.social._twitter_text import count_cashtags, find_links, mentions, shorten_links, weight


@pytest.mark.parametrize(
    ("text", "weighs"),
    [
        pytest.param("This is a test.", 15, id="latin letters weigh one"),
        pytest.param("Größe, façade, Ωmega, Жук", 25, id="accents, Greek and Cyrillic weigh one"),
        pytest.param("“dash – and … dots”", 20, id="an ellipsis weighs two, quotes and dashes one"),
        pytest.param("日本語", 6, id="Chinese and Japanese weigh two"),
        pytest.param("저찀쯿쿿", 8, id="Korean weighs two"),
        pytest.param("😀", 2, id="an emoji weighs two"),
        pytest.param("👨‍👩‍👧‍👦", 2, id="a family is one emoji"),
        pytest.param("👍🏽👍", 4, id="a skin tone belongs to its emoji"),
        pytest.param("🇩🇪🇫🇷", 4, id="a flag is one emoji"),
        pytest.param("1️⃣", 2, id="a keycap is one emoji"),
        pytest.param("❤️", 2, id="a presentation selector weighs nothing"),
        pytest.param("cafe\u0301", 4, id="text is composed before it is counted"),
        pytest.param("https://test.com", 23, id="a short link weighs twenty-three"),
        pytest.param("https://example.com/" + "a" * 200, 23, id="a long link weighs twenty-three"),
        pytest.param("see test.com now", 31, id="a bare domain is a link"),
        pytest.param("Test https://test.com test https://test.com test.com test", 86, id="every link counts"),
        pytest.param("read example.com/a?b=c&d=e.", 29, id="a full stop after a link is no part of it"),
        pytest.param("http://localhost:8080/x", 23, id="a host without a real ending is plain text"),
        pytest.param("https://shop.test/page", 22, id="a reserved ending is plain text"),
        pytest.param("read the file notes.md today", 28, id="a file name is no link"),
        pytest.param("mail me@example.com", 19, id="a mail address is no link"),
        pytest.param("www.amp.it and t.co", 51, id="countries count with a third label, t.co always"),
    ],
)
def test_weight_follows_twitter_text(text: str, weighs: int) -> None:
    assert weight(text) == weighs


def test_links_are_found_where_they_stand() -> None:
    text = "(see https://example.com/a_(b)?c=d#e) and example.org."
    assert [link.address for link in find_links(text)] == ["https://example.com/a_(b)?c=d#e", "example.org"]
    assert [text[link.start : link.end] for link in find_links(text)] == [link.address for link in find_links(text)]


def test_every_link_is_rewritten_to_its_own_short_one() -> None:
    shown, pairs = shorten_links("a https://example.com/1 b https://example.com/1 c", "42")
    assert [original for _, original in pairs] == ["https://example.com/1"] * 2
    assert shown == f"a {pairs[0][0]} b {pairs[1][0]} c"
    assert pairs[0][0] != pairs[1][0]
    assert all(short.startswith("https://t.co/") and len(short) == 23 for short, _ in pairs)


def test_the_same_post_always_gets_the_same_short_links() -> None:
    assert shorten_links("https://example.com", "42") == shorten_links("https://example.com", "42")
    assert shorten_links("https://example.com", "42") != shorten_links("https://example.com", "43")


@pytest.mark.parametrize(("text", "count"), [("$AAPL", 1), ("$AAPL and $MSFT", 2), ("$5 or US$A", 0), ("$BRK.B", 1)])
def test_cashtags_are_counted(text: str, count: int) -> None:
    assert count_cashtags(text) == count


def test_mentions_are_read_without_case() -> None:
    assert mentions("hi @Acme and me@example.com, @b_2!") == {"acme", "b_2"}
