"""Links and hashtags as they leave the house: tagged and normalised by rule, never by the writer."""

import re
from collections.abc import Iterable
from unicodedata import normalize
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

_ACCENTS = re.compile("[\u0300-\u036f]")
_WORDS = re.compile(r"\w+")


def tag_link(url: str, *, platform: str, mission_name: str, content_id: str) -> str:
    """The link with UTM parameters, so that visits can be told apart by platform, mission and item.

    The rest of the query and the fragment stay as they are, and so does a UTM parameter that is already there;
    tagging twice changes nothing. What is not an http(s) address is left alone.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return url
    tags = {
        "utm_source": platform,
        "utm_medium": "social",
        "utm_campaign": slug(mission_name),
        "utm_content": content_id,
    }
    present = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    added = [f"{name}={quote(value, safe='')}" for name, value in tags.items() if name not in present]
    query = "&".join(filter(None, [parts.query, *added]))
    return urlunsplit(parts._replace(query=query))


def slug(name: str) -> str:
    """`Été: Product Launch!` -> `ete-product-launch`. Letters of other scripts stay."""
    plain = normalize("NFC", _ACCENTS.sub("", normalize("NFKD", name))).lower()
    return "-".join(re.findall(r"[^\W_]+", plain))


def normalise_hashtag(tag: str) -> str | None:
    """`product launch`, `#product-launch` and `##ProductLaunch` as a hashtag that every platform links:
    letters, digits and underscores, with a letter in it. None when nothing is left."""
    words = _WORDS.findall(normalize("NFC", tag))
    joined = words[0] if len(words) == 1 else "".join(word[:1].upper() + word[1:] for word in words)
    return f"#{joined}" if any(map(str.isalpha, joined)) else None


def normalise_hashtags(tags: Iterable[str]) -> tuple[str, ...]:
    """Each hashtag once, whatever its case, in the order given."""
    found = filter(None, map(normalise_hashtag, tags))
    return tuple({tag.casefold(): tag for tag in reversed(list(found))}.values())[::-1]


def with_hashtags(text: str, tags: Iterable[str]) -> str:
    """The text with those hashtags that it does not carry yet in a last line of their own."""
    present = {tag.casefold() for tag in re.findall(r"#\w+", text)}
    missing = [tag for tag in tags if tag.casefold() not in present]
    return "\n\n".join(filter(None, [text, " ".join(missing)]))
