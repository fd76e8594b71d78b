"""Answering questions about a text: does it touch a topic, does it say the same as another?

The answer is no unless the text really contains the words asked about; then the exact words are the evidence.
"""

import re
from dataclasses import dataclass

from amp.sandbox.words import words
from amp.sandbox.writing.brief import listed_topics, stem
from amp.sandbox.writing.lexicon import STOP_WORDS

_WORD = re.compile(r"[^\W_][\w'’-]*")
_TEXT_LABEL = re.compile(
    r"(?:^|\n)[^\n]{0,60}?\b(?:post|text|draft|content|caption|tweet|message|copy|candidate|comment)\b[^\n:]{0,30}:\s*\n?(.+)\Z",
    re.IGNORECASE | re.DOTALL,
)
_TAGGED = re.compile(r"<(post|text|draft|content|caption|message|candidate)>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_PAIR = re.compile(
    r"(?:^|\n)[^\w\n]{0,9}(?:first|earlier|existing|old|original|a)\b[^\n:]{0,20}:\s*(?P<one>.+?)"
    r"\n[^\w\n]{0,9}(?:second|new|newer|candidate|later|b)\b[^\n:]{0,20}:\s*(?P<two>.+)\Z",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = re.compile(r"[\"“'‘]([^\"”'’]{2,40})[\"”'’]")
_SAME = 0.75

TOUCHING = words(
    "mention mentions touch touches violate violates violation contain contains include includes excluded forbidden "
    "discuss discusses refer refers flagged unsafe offensive breach breaches"
)
SAME = words("duplicate duplicates same repeat repeats repetition identical similar redundant copy copied")
FINE = words(
    "ok okay pass passes passed valid approved acceptable safe compliant fits good clear accurate allowed correct "
    "relevant brand original unique novel fresh ready suitable appropriate"
)

_SMALL = words("topic topics text post is has any of the it")

_RELATED = {
    "pric": ("price", "prices", "pricing", "cost", "costs", "fee", "discount", "cheap", "expensive"),
    "competitor": ("competitor", "competitors", "rival", "rivals", "competition", "other vendors"),
    "politic": ("politics", "political", "election", "government", "party line"),
    "relig": ("religion", "religious", "church", "faith"),
    "layoff": ("layoff", "layoffs", "job cuts", "redundancies"),
    "roadmap": ("roadmap", "upcoming features", "release date"),
    "legal": ("legal", "lawsuit", "court", "litigation"),
    "secur": ("security", "breach", "vulnerability", "exploit"),
}


@dataclass(frozen=True)
class Checked:
    """A text under examination, what it is asked about, and the earlier text it is compared with."""

    text: str
    topics: tuple[str, ...]
    earlier: str | None = None


def read_check(prompt: str) -> Checked | None:
    """What a prompt puts up for examination; None when there is no text in it."""
    topics = tuple(listed_topics(prompt))
    pair = _PAIR.search(prompt)
    if pair is not None:
        return Checked(pair["two"].strip(), topics, pair["one"].strip())
    tagged = _TAGGED.search(prompt)
    if tagged is not None:
        return Checked(tagged[2].strip(), topics)
    labelled = _TEXT_LABEL.search(prompt)
    return Checked(labelled[1].strip(), topics) if labelled else None


def touched(checked: Checked, topic: str) -> str:
    """The words of the text that touch the topic, or nothing. Of a longer topic all carrying words must be there."""
    stems = [stem(word) for word in _WORD.findall(topic) if word.lower() not in STOP_WORDS]
    spans: list[str] = []
    for wanted in stems:
        found = next((word for word in _WORD.findall(checked.text) if word.lower().startswith(wanted)), None)
        if found is None:
            return ""
        spans.append(found)
    return spans[0] if spans else ""


def says_the_same(checked: Checked) -> bool:
    """Whether the two texts use nearly the same words."""
    if checked.earlier is None:
        return False
    one, two = (frozenset(map(str.lower, _WORD.findall(text))) for text in (checked.earlier, checked.text))
    return bool(one) and len(one & two) / len(one | two) >= _SAME


def verdict(checked: Checked | None, name: str, description: str, about: str | None) -> bool:
    """The value of a boolean called `name` in an answer, `about` being the topic its object is on."""
    named = frozenset(_name_words(name))
    if named & SAME and not named & FINE:
        return checked is not None and says_the_same(checked)
    topics = _topics(checked, named, description, about)
    guilty = checked is not None and any(touched(checked, topic) for topic in topics)
    return not guilty if named & FINE else guilty


def related_words(topic: str, count: int) -> list[str]:
    """Words by which a text would betray that it is about a topic: known ones, then the topic in company."""
    key = stem(topic)
    known = next((terms for start, terms in _RELATED.items() if key.startswith(start) or start.startswith(key)), ())
    plural = topic if topic.endswith("s") else f"{topic}s"
    company = (f"{word} {topic}" for word in ("talk about", "more on", "news on", "a word on", "thoughts on", "our"))
    own = (topic, plural, *company, *(f"{topic} {word}" for word in ("question", "issue", "advice", "story")))
    return list(dict.fromkeys([*known, *own]))[:count]


def _topics(checked: Checked | None, named: frozenset[str], description: str, about: str | None) -> list[str]:
    if about:
        return [about]
    if checked is not None and checked.topics:
        return list(checked.topics)
    quoted = _QUOTED.findall(description)
    subject = sorted(named - TOUCHING - FINE - _SMALL)
    return quoted or ([" ".join(subject)] if subject and named & TOUCHING else [])


def _name_words(name: str) -> list[str]:
    return re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
