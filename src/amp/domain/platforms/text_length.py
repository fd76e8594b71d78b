"""How long a text is, in the units of each vendor.

X counts by the rules of twitter-text v3: the text is normalised (NFC); every link counts 23, every emoji
sequence 2, the characters of most alphabets 1 and all others (CJK among them) 2. What is a link is decided as
there: with or without `https://`, but only under a top-level domain that exists.
"""

import re
from collections.abc import Iterator
from functools import cache
from unicodedata import normalize

from amp.domain.platforms.top_level_domains import top_level_domains

LINK_WEIGHT = 23
EMOJI_WEIGHT = 2
_HEAVY = re.compile("[^\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")
"""Characters that count 2; the others 1 (twitter-text `config/v3.json`, its weights divided by its scale)."""

_MAX_LABEL = 63
_MAX_SHORTENED_SLUG = 40

_LATIN = "a-z0-9\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0253-\u02bb\u1e00-\u1eff"
_LETTERS = _LATIN + "\u0400-\u04ff"
_PUNCTUATION = r"!'#%&()*+,\\\-./:;<=>?@\[\]^_{|}~$"
_OTHER = rf"[^\s{_PUNCTUATION}\ufffe\ufeff\uffff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"

_PATH = rf"[{_LETTERS}!*';:=+,.$/%#\[\]\-\u2013_~@|&]"
_BRACKETS = rf"\((?:{_PATH}*\({_PATH}+\){_PATH}*|{_PATH}+)\)"
_QUERY = r"\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/]"
_TAIL = rf"(?::[0-9]+)?(?:/(?:(?:{_PATH}|{_BRACKETS})*(?:[{_LETTERS}+\-=_#/]|{_BRACKETS}))?)?(?:{_QUERY})?"
_WORD = re.compile(r"\S+")
_SHORTENED = re.compile(rf"https?://t\.co/([a-z0-9]+)(?:{_QUERY})?", re.IGNORECASE)

_PICTURES = (
    "\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa\u24c2"
    "\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030"
    "\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff"
)
_PICTURE = (
    rf"(?:[{_PICTURES}](?!\ufe0e)|[\u00a9\u00ae](?=\ufe0f))"
    r"(?:\ufe0f|[\U0001f3fb-\U0001f3ff])?(?:[\U000e0020-\U000e007e]+\U000e007f)?"
)
_EMOJI = re.compile(rf"[0-9#*]\ufe0f?\u20e3|[\U0001f1e6-\U0001f1ff]{{2}}|{_PICTURE}(?:\u200d{_PICTURE})*")
"""Emoji by the grammar of Unicode UTS 51. X knows the sequences one by one: the same, for those in use."""


def weighted_length(text: str) -> int:
    """Length on X, in weighted characters of which a post may have 280."""
    text = normalize("NFC", text)
    length = position = 0
    for start, end in find_urls(text):
        length += _weight(text[position:start]) + LINK_WEIGHT
        position = end
    return length + _weight(text[position:])


def code_points(text: str) -> int:
    """Length in characters as most vendors count them."""
    return len(text)


def utf16_units(text: str) -> int:
    """Length in UTF-16 code units: an emoji outside the basic plane counts 2 (TikTok)."""
    return len(text) + sum(char > "\uffff" for char in text)


def utf8_bytes(text: str) -> int:
    """Length in bytes of UTF-8 (YouTube's descriptions). A lone surrogate counts as 3 bytes."""
    return len(text.encode("utf-8", "surrogatepass"))


def emoji_as_bytes(text: str) -> int:
    """Length on Threads: characters, but every emoji counts the bytes of UTF-8 that it takes."""
    return len(_EMOJI.sub("", text)) + sum(utf8_bytes(emoji[0]) for emoji in _EMOJI.finditer(text))


def find_urls(text: str) -> list[tuple[int, int]]:
    """Start and end of everything that X makes a link of, in order and without overlaps."""
    spans = (_span(match) for word in _dotted(text) for match in _links().finditer(text, *word.span()))
    return [span for span in spans if span]


def _dotted(text: str) -> Iterator[re.Match[str]]:
    """The words that may be links. To look for one at each character is dear, and no link has a space in it."""
    return (word for word in _WORD.finditer(text) if "." in word[0][:-1]) if "." in text else iter(())


def with_link(text: str, link: str | None) -> str:
    """The text that goes out where a link has no field of its own: the link ends it, unless it is in it."""
    if not link or link in text:
        return text
    return f"{text}\n\n{link}" if text else link


def _weight(text: str) -> int:
    rest, emoji = _EMOJI.subn("", text)
    return EMOJI_WEIGHT * emoji + len(rest) + len(_HEAVY.findall(rest))


@cache
def _links() -> re.Pattern[str]:
    """Built at first use: an alternation of 1,500 names takes some milliseconds to compile."""
    names = "|".join(sorted(map(re.escape, top_level_domains()), key=len, reverse=True))
    end = rf"(?:{names})(?![0-9a-z@])"
    domain = rf"(?:{_OTHER}(?:(?:[_-]|{_OTHER})*{_OTHER})?\.)*(?:{_OTHER}(?:(?:-|{_OTHER})*{_OTHER})?\.){end}"
    bare = rf"(?:[{_LATIN}](?:[{_LATIN}_-]*[{_LATIN}])?\.)*(?:[{_LATIN}](?:[{_LATIN}-]*[{_LATIN}])?\.){end}"
    return re.compile(
        rf"(?<![a-z0-9@\uff20$#\uff03])(?P<scheme>https?://)(?P<domain>{domain}){_TAIL}"
        rf"|(?<![a-z0-9@\uff20$#\uff03_./-])(?P<bare>{bare}){_TAIL}",
        re.IGNORECASE,
    )


def _span(match: re.Match[str]) -> tuple[int, int] | None:
    if not all(map(_fits, (match["domain"] or match["bare"]).split("."))):
        return None
    shortened = match["scheme"] and _SHORTENED.match(match.string, match.start(), match.end())
    if not shortened:
        return match.span()
    return shortened.span() if len(shortened[1]) <= _MAX_SHORTENED_SLUG else None


def _fits(label: str) -> bool:
    """A label of a domain has at most 63 characters once it is encoded for the wire."""
    if label.isascii():
        return len(label) <= _MAX_LABEL
    return not label.lower().startswith("xn--") and len(label.encode("punycode")) + 4 <= _MAX_LABEL
