"""The first four gates a proposed content item passes before it counts as generated, cheap and certain first.

    shape -> platform -> topics -> duplicate

Each gives a verdict that is stored with the item. Gates 3 and 4 can be unsure; then a model is asked, with the
answer types below, and its answer becomes a verdict by rule too: a claim whose quote is not in the text does not
count as evidence.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from unicodedata import normalize

from pydantic import BaseModel, Field, create_model

from amp.domain.content.links import normalise_hashtag, with_hashtags
from amp.domain.pipeline.similarity import COPY, GREY, Earlier, closest, fingerprint
from amp.domain.platforms.port import Capabilities, Draft, Medium
from amp.domain.platforms.text_length import find_urls
from amp.domain.platforms.validation import validate

Outcome = Literal["pass", "fail", "unsure"]
Answer = Literal["no", "unsure", "yes"]

SHAPE, PLATFORM, TOPICS, DUPLICATE = "shape", "platform", "topics", "duplicate"
VERSIONS = {SHAPE: 1, PLATFORM: 1, TOPICS: 1, DUPLICATE: 1}

_PARTS = {"post": (1, 1), "thread": (2, 25), "image": (1, 1), "carousel": (1, 1), "video_script": (1, 25)}
"""The types of content, with the least and the most parts each may have."""

_BLANKS = "your|insert|add|link|url|name|company|product|brand|date|cta|hashtags?|image|placeholder"
_PLACEHOLDER = re.compile(
    rf"\{{\{{[^{{}}]*\}}\}}|[\[<{{](?:{_BLANKS})\b[^\]>}}]*[\]>}}]|\blorem ipsum\b|\binsert \w+ here\b"
    r"|\byour(?:website|company|domain|brand|site)\.(?:com|org|net|io)\b|(?-i:\b(?:TBD|TODO|XXX+)\b)",
    re.IGNORECASE,
)
_ACCENTS = re.compile("[\u0300-\u036f]")
_ENDING = re.compile(r"(?<=i)es$|(?<=\w{3})(?:ing|ed|es)$|(?<=\w\w)s$")


@dataclass(frozen=True)
class Verdict:
    """What a gate says of one item. `evidence` quotes the item, or names what it is like."""

    gate: str
    version: int
    outcome: Outcome
    reason: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """A content item as the writer proposed it."""

    type: str
    pillar: str
    topic: str
    parts: tuple[str, ...]
    hashtags: tuple[str, ...] = ()
    link: str | None = None
    media: tuple[Medium, ...] = ()

    @property
    def text(self) -> str:
        return "\n\n".join(self.parts)


@dataclass(frozen=True)
class Topic:
    """A topic to keep out: its own words settle it, a synonym only raises the question."""

    name: str
    synonyms: tuple[str, ...] = ()


class Touch(BaseModel):
    """Whether the text touches a topic."""

    touches: Answer
    quote: str = Field(default="", description="The words of the text that touch the topic, copied exactly.")


class TopicAnswer(Touch):
    """Does the text touch this topic?"""

    topic: str


class TopicAnswers(BaseModel):
    """Answers by the name of the topic, where the model may leave one out; see `topic_answers`."""

    answers: list[TopicAnswer]


def topic_answers(topics: Sequence[Topic]) -> type[BaseModel]:
    """The type of answer that leaves no topic out: one required field for each."""
    fields: dict[str, Any] = {
        f"topic_{index}": (Touch, Field(description=f"Does the text touch this topic: {topic.name}?"))
        for index, topic in enumerate(topics)
    }
    return create_model("AnswersByTopic", **fields)


class SameMessage(BaseModel):
    """Would a reader of the earlier text learn nothing new from this one?"""

    same: Answer
    reason: str = ""


def shape_gate(proposal: Proposal, *, pillars: Iterable[str], max_hashtags: int = 5) -> Verdict:
    """Gate 1: is it a whole item of its type, with proper hashtags, at most one link and nothing left blank?"""
    problems = list(_shape_problems(proposal, frozenset(pillars), max_hashtags))
    return _of(SHAPE, problems)


def _shape_problems(proposal: Proposal, pillars: frozenset[str], max_hashtags: int) -> Iterator[tuple[str, str]]:
    least, most = _PARTS.get(proposal.type, (0, 0))
    if not most:
        yield f"unknown type {proposal.type}", proposal.type
    elif not least <= len(proposal.parts) <= most:
        yield f"a {proposal.type} does not have {len(proposal.parts)} parts", proposal.type
    if proposal.pillar not in pillars:
        yield f"unknown pillar {proposal.pillar}", proposal.pillar
    if not proposal.topic.strip():
        yield "it names no topic", ""
    for blank in _PLACEHOLDER.finditer(proposal.text):
        yield "a placeholder was left in", blank[0]
    yield from _hashtag_problems(proposal.hashtags, max_hashtags)
    links = _links(proposal)
    if len(links) > 1:
        yield "it has more than one link", " ".join(links)


def _hashtag_problems(hashtags: Sequence[str], most: int) -> Iterator[tuple[str, str]]:
    for tag in hashtags:
        if normalise_hashtag(tag) != tag:
            yield "not a hashtag that every platform links", tag
    if len({tag.casefold() for tag in hashtags}) < len(hashtags):
        yield "a hashtag stands twice", " ".join(hashtags)
    if len(hashtags) > most:
        yield f"more than {most} hashtags", " ".join(hashtags)


def _links(proposal: Proposal) -> list[str]:
    """The links of the item, each place once: the text may name the page that the link leads to."""
    found = [part[start:end] for part in proposal.parts for start, end in find_urls(part)]
    return list({_place(link): link for link in [*found, *filter(None, [proposal.link])]}.values())


def _place(link: str) -> str:
    address = re.sub(r"^https?://(?:www\.)?|[?#].*$", "", link, flags=re.IGNORECASE)
    return address.rstrip("/").casefold()


def platform_gate(proposal: Proposal, capabilities: Capabilities) -> Verdict:
    """Gate 2: would the platform take it, hashtags and link included?"""
    first, *rest = proposal.parts or ("",)
    draft = Draft((with_hashtags(first, proposal.hashtags), *rest), proposal.media, proposal.link)
    return _of(PLATFORM, [(problem.message, problem.field) for problem in validate(draft, capabilities)])


def topics_gate(text: str, topics: Iterable[Topic]) -> Verdict:
    """Gate 3: does it touch an excluded topic? Its own words fail, a synonym is unsure; both are quoted."""
    words = [(_stem(match[0]), match.span()) for match in re.finditer(r"\w+", text)]
    unsure: list[tuple[str, str]] = []
    failed: list[tuple[str, str]] = []
    for topic in topics:
        failed += ((f"it speaks of {topic.name}", quote) for quote in _mentions(topic.name, words, text))
        for synonym in topic.synonyms:
            unsure += ((f"it may speak of {topic.name}", quote) for quote in _mentions(synonym, words, text))
    return _of(TOPICS, failed) if failed else _of(TOPICS, unsure, outcome="unsure")


def _mentions(phrase: str, words: Sequence[tuple[str, tuple[int, int]]], text: str) -> Iterator[str]:
    stems = [_stem(word) for word in re.findall(r"\w+", phrase)]
    for start in range(len(words) - len(stems) + 1) if stems else ():
        window = words[start : start + len(stems)]
        if [stem for stem, _ in window] == stems:
            yield text[window[0][1][0] : window[-1][1][1]]


def _stem(word: str) -> str:
    """`Pricing`, `prices` and `price` are one word. Plain English endings only; other languages match whole."""
    word = _ACCENTS.sub("", normalize("NFKD", word)).casefold()
    if word != "news" and not word.endswith(("ss", "eed")):
        word = _ENDING.sub("", word)
    word = word.rstrip("e") if len(word) > 3 else word
    return re.sub(r"([^aeiou\d])\1$", r"\1", re.sub("y$", "i", word))


def duplicate_gate(text: str, earlier: Sequence[Earlier]) -> Verdict:
    """Gate 4: was this said before? `earlier` are the texts of the same mission and account, last 90 days."""
    own = fingerprint(text)
    same = next((other for other in earlier if fingerprint(other.text) == own), None)
    if same:
        return _of(DUPLICATE, [("the same text was written before", same.content_id)])
    likeness = closest(text, earlier)
    if likeness is None or likeness.score < GREY:
        return _of(DUPLICATE, [])
    outcome: Outcome = "fail" if likeness.score >= COPY else "unsure"
    reason = f"{likeness.score:.0%} like an earlier text"
    return _of(DUPLICATE, [(reason, likeness.earlier.content_id)], outcome=outcome)


def topics_verdict(answers: BaseModel, topics: Sequence[Topic], text: str) -> Verdict:
    """A model's `topic_answers` (or `TopicAnswers`) as the verdict of gate 3.

    Yes with a true quote fails; yes without one, a topic not answered or an unsure answer is unsure.
    """
    failed: list[tuple[str, str]] = []
    unsure: list[tuple[str, str]] = []
    for index, topic in enumerate(topics):
        answer = _answer_to(answers, index, topic)
        if answer is None or answer.touches == "unsure":
            unsure.append((f"it is not clear whether it speaks of {topic.name}", topic.name))
        elif answer.touches == "yes" and answer.quote.strip() and answer.quote in text:
            failed.append((f"it speaks of {topic.name}", answer.quote))
        elif answer.touches == "yes":
            unsure.append((f"said to speak of {topic.name}, without saying where", answer.quote))
    return _of(TOPICS, failed) if failed else _of(TOPICS, unsure, outcome="unsure")


def _answer_to(answers: BaseModel, index: int, topic: Topic) -> Touch | None:
    if isinstance(answers, TopicAnswers):
        name = topic.name.casefold()
        return next((answer for answer in answers.answers if answer.topic.casefold() == name), None)
    return getattr(answers, f"topic_{index}", None)


def same_message_verdict(answer: SameMessage, earlier: Earlier) -> Verdict:
    """A model's answer about the grey zone as the verdict of gate 4."""
    outcomes: dict[Answer, Outcome] = {"yes": "fail", "no": "pass", "unsure": "unsure"}
    outcome = outcomes[answer.same]
    reason = answer.reason or "it says the same as an earlier text"
    return _of(DUPLICATE, [] if outcome == "pass" else [(reason, earlier.content_id)], outcome=outcome)


def _of(gate: str, problems: Sequence[tuple[str, str]], *, outcome: Outcome = "fail") -> Verdict:
    if not problems:
        return Verdict(gate, VERSIONS[gate], "pass")
    reasons = "; ".join(dict.fromkeys(reason for reason, _ in problems))
    evidence = tuple(dict.fromkeys(quote for _, quote in problems if quote))
    return Verdict(gate, VERSIONS[gate], outcome, reasons, evidence)
