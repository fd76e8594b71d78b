"""What to write into a property of a given name: a title, a topic, a whole post, a hashtag."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from amp.sandbox.writing.prose import Pen, cut


@dataclass(frozen=True)
class Field:
    """A string to be written. `limit` is the property's own, `prompt_limit` what the prompt says of texts."""

    name: str
    description: str
    shortest: int
    limit: int | None
    words: int | None
    pattern: str | None
    is_item: bool
    prompt_limit: int | None

    @property
    def kind(self) -> str:
        return _kind_of(self.name)

    @property
    def is_text(self) -> bool:
        return self.kind == "text"

    @property
    def longest(self) -> int:
        """The tightest bound; a prompt's bound is about the texts it asks for."""
        limits = [self.limit, self.prompt_limit if self.is_text else None]
        return max(1, min((limit for limit in limits if limit is not None), default=_USUAL[self.kind]))


_USUAL = {
    "text": 280,
    "title": 60,
    "topic": 80,
    "opening": 140,
    "ending": 120,
    "question": 120,
    "summary": 220,
    "picture": 160,
    "hashtag": 30,
    "term": 40,
    "who": 40,
    "tone": 40,
    "language": 5,
    "clock": 5,
    "slug": 40,
}

_KINDS = {
    "text": "text post body content caption copy message tweet part script comment article draft posts thread answer",
    "title": "title name headline heading pillar label header campaign theme",
    "topic": "topic subject angle_topic keyword_topic idea_title",
    "opening": "hook opening opener intro first_line lead hooks",
    "ending": "cta call_to_action closing ending action",
    "question": "question poll ask",
    "summary": "summary angle description rationale reason why insight explanation note notes idea overview goal "
    "objective approach strategy recommendation finding comment_on justification positioning promise",
    "picture": "alt_text image_prompt image_description image picture visual alt prompt scene shot",
    "hashtag": "hashtag tag",
    "term": "keyword term word phrase synonym category entity concept",
    "who": "audience persona segment reader target_audience people",
    "tone": "tone voice style mood",
    "language": "language locale lang",
    "clock": "time hour posting_time time_of_day",
    "slug": "slug id key identifier",
}
_KIND_BY_NAME = {name: kind for kind, names in _KINDS.items() for name in names.split()}


def write_field(field: Field, pen: Pen) -> str:
    return finished(field, _WRITERS[field.kind](field, pen), pen)


def finished(field: Field, text: str, pen: Pen) -> str:
    """The text within its bounds: never empty, cut at a word's end, filled up with more of the same."""
    if not text.strip():
        text = pen.term()
    while len(text) < field.shortest:
        text = f"{text} {pen.post(longest=max(60, field.shortest))}"
    return _matching(field, cut(text, field.longest), pen).ljust(field.shortest, ".")


def hashtag(phrase: str) -> str:
    """`the new feature` becomes `NewFeature`."""
    words = re.findall(r"[^\W_]+", phrase.removeprefix("the "))
    return "".join(word[:1].upper() + word[1:] for word in words)[:28]


def _kind_of(name: str) -> str:
    """By the whole name, else by its last word, else by any of them; in the singular for lists."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    words = snake.split("_")
    for candidate in (snake, _singular(snake), words[-1], _singular(words[-1]), *map(_singular, words)):
        if candidate in _KIND_BY_NAME:
            return _KIND_BY_NAME[candidate]
    return "summary"


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word.removesuffix("s") if not word.endswith("ss") else word


def _text(field: Field, pen: Pen) -> str:
    return pen.post(shortest=field.shortest, longest=field.longest)


def _summary(field: Field, pen: Pen) -> str:
    if field.words is not None and field.words < 12:
        return pen.topic(longest=field.longest, words=field.words)
    sentences = 2 if re.search(r"\btwo sentences\b", field.description, re.IGNORECASE) else 1
    return pen.summary(shortest=field.shortest, longest=field.longest, sentences=sentences)


def _slug(field: Field, pen: Pen) -> str:
    return re.sub(r"[^a-z0-9]+", "-", pen.topic(longest=60).lower()).strip("-")


_WRITERS: dict[str, Callable[[Field, Pen], str]] = {
    "text": _text,
    "summary": _summary,
    "slug": _slug,
    "title": lambda field, pen: pen.title(longest=field.longest, words=field.words),
    "topic": lambda field, pen: pen.topic(longest=field.longest, words=field.words),
    "opening": lambda field, pen: pen.opening(field.longest),
    "ending": lambda field, pen: pen.ending(field.longest),
    "question": lambda field, pen: pen.question(field.longest),
    "picture": lambda field, pen: pen.picture(field.longest),
    "hashtag": lambda field, pen: hashtag(pen.term()),
    "term": lambda field, pen: pen.term().lower(),
    "who": lambda field, pen: pen.who(),
    "tone": lambda field, pen: pen.tone(),
    "language": lambda field, pen: "en",
    "clock": lambda field, pen: f"{pen.dice.randrange(8, 20):02d}:{pen.dice.choice((0, 15, 30, 45)):02d}",
}


def _matching(field: Field, text: str, pen: Pen) -> str:
    """A text that fits the property's pattern, if one of the usual forms does."""
    if field.pattern is None:
        return text
    letters = re.sub(r"[^a-z]", "", pen.term().lower()) or "word"
    number = str(pen.dice.randrange(10, 99))
    clock = f"{pen.dice.randrange(8, 20):02d}:30"
    forms = (text, hashtag(text), f"#{hashtag(pen.term())}", _slug(field, pen), letters, letters.upper(), number, clock)
    forms += (
        letters.capitalize(),
        f"2026-{pen.dice.randrange(1, 13):02d}-15",
        f"#{pen.dice.getrandbits(24):06x}",
        "en-US",
    )
    try:
        return next((form for form in forms if re.search(field.pattern, form)), text)
    except re.error:
        return text
