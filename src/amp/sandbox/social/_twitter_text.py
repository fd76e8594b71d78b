"""How X counts and shows text: the rules of twitter-text v3, written from its published configuration.

Weighted maximum 280: a code point weighs 2, those of most alphabets and general punctuation 1; a whole emoji
sequence weighs 2 and a link 23, whatever their length. Text is normalised to NFC before it is counted.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from amp.sandbox.words import words

MAX_WEIGHT = 280
_LINK_WEIGHT = 23
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_GENERIC = words(
    "academy agency ai app art asia associates band best bid bike biz blog blue boutique build builders business "
    "cafe camera camp capital cards care careers cash center chat church city clinic cloud club coach codes coffee "
    "com community company computer consulting cool coupons courses credit dance data dating day dental design dev "
    "digital direct directory dog domains earth education edu email energy engineering enterprises equipment estate "
    "events exchange expert express farm fashion finance financial fish fit fitness flights florist foundation fun "
    "fund gallery games garden gift gifts global gmbh gov graphics group guide guru health help holdings holiday "
    "home host hosting house immo inc industries info ink institute insure int international investments io jobs "
    "kim kitchen land law legal life lighting limited limo link live llc loan lol love ltd management market "
    "marketing mba media memorial menu mil mobi moda money museum music name net network new news ninja nyc one "
    "online org page partners parts party pet photo photography photos pics pizza place plus press pro productions "
    "properties pub quest recipes red rent rentals repair report rest restaurant review reviews rocks run sale "
    "school schule science services shoes shop show singles site social software solar solutions space store stream "
    "studio style supply support surf systems tattoo tax team tech technology tel theater tips today tools top tours "
    "town toys trade training travel university vacations ventures vet video villas vip vision vote voyage watch "
    "web website wedding wiki win wine work works world wtf xyz yoga zone"
)
_COUNTRIES = words(
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bv bw by bz ca "
    "cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr "
    "ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm "
    "jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq "
    "mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa "
    "re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn "
    "to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw"
)
_RESERVED = frozenset({"test", "example", "invalid", "localhost", "local", "internal"})
_SHORT_WITHOUT_PATH = frozenset({"co", "tv"})

_LINK = re.compile(
    r"(?<![\w@#$./-])(?P<scheme>https?://)?"
    r"(?P<host>(?:[^\W_](?:[\w-]*[^\W_])?\.)+(?P<end>[a-z]{2,18}))(?![\w-])(?::\d+)?"
    r"(?P<path>/[^\s<>\"“”‘’]*)?(?P<query>\?[^\s<>\"“”‘’]*)?",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?'\")]}…"

_PICTURE = "[←-⇿⌀-➿⤀-⥿⬀-⯿〰〽㊗㊙\U0001f000-\U0001faff]"
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"
    "|[0-9#*]\ufe0f?\u20e3"
    f"|{_PICTURE}(?:\ufe0f|[\U0001f3fb-\U0001f3ff])?[\U000e0020-\U000e007f]*"
    f"(?:\u200d{_PICTURE}(?:\ufe0f|[\U0001f3fb-\U0001f3ff])?)*"
)
_CASHTAG = re.compile(r"(?<![\w$])\$[A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?(?!\w)")
_MENTION = re.compile(r"(?<![\w@])@(\w{1,15})(?!\w)")


@dataclass(frozen=True)
class Link:
    """A link found in a text, at [start, end)."""

    start: int
    end: int
    address: str


def weight(text: str) -> int:
    """The weighted length that must not pass 280."""
    text = unicodedata.normalize("NFC", text)
    bare = _replace_links(text, lambda _: "")
    total = _LINK_WEIGHT * len(find_links(text))
    total += 2 * len(_EMOJI.findall(bare))
    return total + sum(1 if _is_light(ord(char)) else 2 for char in _EMOJI.sub("", bare))


def find_links(text: str) -> list[Link]:
    found: list[Link] = []
    for match in _LINK.finditer(text):
        address = match.group().rstrip(_TRAILING) if match["path"] or match["query"] else match.group()
        if _is_link(match):
            found.append(Link(match.start(), match.start() + len(address), address))
    return found


def count_cashtags(text: str) -> int:
    return len(_CASHTAG.findall(text))


def mentions(text: str) -> set[str]:
    """The handles addressed in a text, in lower case."""
    return {handle.lower() for handle in _MENTION.findall(text)}


def shorten_links(text: str, post_id: str) -> tuple[str, list[tuple[str, str]]]:
    """The text as X shows it, every link rewritten to t.co, and the pairs (short, original) in order."""
    pairs: list[tuple[str, str]] = []

    def short(link: Link) -> str:
        pairs.append((short_link(f"{post_id}/{len(pairs)}"), link.address))
        return pairs[-1][0]

    return _replace_links(unicodedata.normalize("NFC", text), short), pairs


def short_link(seed: str) -> str:
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8])
    return "https://t.co/" + "".join(_BASE62[number // 62**place % 62] for place in range(10))


def _is_link(match: re.Match[str]) -> bool:
    """With a scheme any top-level name that can exist; without one only known ones, and two-letter countries
    only when a path or a third label makes the intention clear."""
    end = match["end"].lower()
    if match["scheme"]:
        return end not in _RESERVED
    if end in _GENERIC or end in _SHORT_WITHOUT_PATH:
        return True
    return end in _COUNTRIES and (bool(match["path"]) or match["host"].count(".") > 1)


def _replace_links(text: str, replacement: Callable[[Link], str]) -> str:
    pieces: list[str] = []
    position = 0
    for link in find_links(text):
        pieces += [text[position : link.start], replacement(link)]
        position = link.end
    return "".join([*pieces, text[position:]])


def _is_light(code: int) -> bool:
    return any(low <= code <= high for low, high in _LIGHT)
