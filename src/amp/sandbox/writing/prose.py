"""Writing: sentences from patterns, filled with the prompt's own subjects, until the text has the right length."""

import random
import re
from collections.abc import Callable, Iterable, Sequence

from amp.sandbox.writing import patterns
from amp.sandbox.writing.brief import Brief, with_article
from amp.sandbox.writing.lexicon import SLOTS

_KINDS = {
    "opening": patterns.OPENINGS,
    "point": patterns.POINTS,
    "example": patterns.EXAMPLES,
    "ending": patterns.ENDINGS,
}
_SLOT = re.compile(r"\{(\w+)\}")
_ARTICLE = re.compile(r"\b([Aa]) (?=(?!uni|use|usu|one\b|once\b|eu)(?:[aeiouAEIOU]|hon|hour))")
_ATTEMPTS = 12
_PLAIN = ("Small steps, honest notes.", "Worth a closer look.", "Good work takes time.", "See for yourself.")


class Pen:
    """Writes for one brief. The same brief and seed give the same words; nothing is used twice in one text."""

    def __init__(self, brief: Brief, seed: str) -> None:
        self._brief = brief
        self._dice = random.Random(seed)
        self._used: set[str] = set()
        self._focus: str | None = None

    def focus_on(self, place: int) -> None:
        """From here on write about one of the prompt's subjects: each entry of a list gets one of its own."""
        self._focus = self._brief.things[place % len(self._brief.things)]

    @property
    def dice(self) -> random.Random:
        return self._dice

    def post(self, *, shortest: int = 0, longest: int) -> str:
        """A post of one to many sentences; long ones fall into paragraphs."""
        target = max(shortest, self._target(longest))
        sentences = [self._sentence(_KINDS[kind], longest) for kind in self._dice.choice(patterns.SHAPES)]
        while sum(map(len, sentences)) + len(sentences) < target:
            kind = self._dice.choice(("point", "point", "example"))
            sentences.insert(len(sentences) - 1, self._sentence(_KINDS[kind], longest))
        return _laid_out(_fitting(sentences, longest), self._brief.lively)

    def thread(self, parts: int, *, longest: int) -> list[str]:
        """Posts that follow each other: an opening, points and examples, an ending."""
        middle = [self._paragraph(("point", "example"), longest) for _ in range(max(0, parts - 2))]
        first = self._paragraph(("opening", "point"), longest)
        last = [self._paragraph(("example", "ending"), longest)] if parts > 1 else []
        return [first, *middle, *last][:parts]

    def opening(self, longest: int) -> str:
        return self._sentence(patterns.OPENINGS, longest)

    def ending(self, longest: int) -> str:
        return self._sentence(patterns.ENDINGS, longest)

    def question(self, longest: int) -> str:
        return self._sentence(patterns.QUESTIONS, longest)

    def summary(self, *, shortest: int = 0, longest: int, sentences: int = 1) -> str:
        wanted = [self._sentence(patterns.SUMMARIES, longest) for _ in range(sentences)]
        while sum(map(len, wanted)) + len(wanted) < shortest:
            wanted.append(self._sentence(patterns.SUMMARIES, longest))
        return " ".join(_fitting(wanted, longest))

    def topic(self, *, longest: int, words: int | None = None) -> str:
        return self._phrase(patterns.TOPICS, longest, words)

    def title(self, *, longest: int, words: int | None = None) -> str:
        return self._phrase(patterns.TITLES, longest, words)

    def picture(self, longest: int) -> str:
        return self._sentence(patterns.PICTURES, longest)

    def who(self) -> str:
        return self._choose(SLOTS["who"], {})

    def tone(self) -> str:
        first, second = self._dice.sample([quality for quality in SLOTS["quality"] if self._brief.allows(quality)], 2)
        return f"{first} and {second}"

    def term(self) -> str:
        """A word or two from the prompt itself."""
        thing = self._dice.choice([*self._brief.things, *self._brief.topics])
        return " ".join(thing.removeprefix("the ").split()[-2:])

    def _paragraph(self, kinds: Sequence[str], longest: int) -> str:
        return " ".join(_fitting([self._sentence(_KINDS[kind], longest) for kind in kinds], longest))

    def _target(self, longest: int) -> int:
        """Half of the room or more, but nobody reads essays."""
        return int(min(longest, 1000) * self._dice.uniform(0.50, 0.85))

    def _sentence(self, among: Sequence[str], longest: int) -> str:
        for _ in range(_ATTEMPTS):
            sentence = self._filled(self._choose(among, {}))
            if len(sentence) <= longest and self._brief.allows(sentence):
                return sentence
        return next((plain for plain in _PLAIN if len(plain) <= longest and self._brief.allows(plain)), "")

    def _phrase(self, among: Sequence[str], longest: int, words: int | None) -> str:
        for _ in range(_ATTEMPTS):
            phrase = self._filled(self._choose(among, {}))
            if (
                len(phrase) <= longest
                and (words is None or len(phrase.split()) <= words)
                and self._brief.allows(phrase)
            ):
                return phrase
        return cut(" ".join(self.term().split()[:words]), longest)

    def _filled(self, pattern: str) -> str:
        chosen: dict[str, str] = {}
        text = _SLOT.sub(lambda match: self._slot(match[1], chosen), pattern)
        return _ARTICLE.sub(r"\1n ", text)

    def _slot(self, name: str, chosen: dict[str, str]) -> str:
        key = name.lower()
        if key == "topic" and self._focus is None:
            value = with_article(self._choose(self._brief.topics, chosen))
        elif key in ("topic", "thing", "bare"):
            value = self._focus or self._choose(self._brief.things, chosen)
            value = value.removeprefix("the ") if key == "bare" else value
        else:
            value = self._choose(SLOTS[key], chosen)
        chosen[key + value] = value
        if name == "Thing" or name == "Quality":
            return _titled(value)
        return _capital(value) if name[0].isupper() else value

    def _choose(self, among: Sequence[str], chosen: dict[str, str]) -> str:
        """One that was not used in this text, as long as there is one."""
        fresh = [one for one in among if one not in self._used and one not in chosen.values()]
        allowed = [one for one in fresh or among if self._brief.allows(one)]
        one = self._dice.choice(allowed or list(among))
        self._used.add(one)
        return one


def cut(text: str, longest: int) -> str:
    """At a word's end where that is possible."""
    if len(text) <= longest:
        return text
    whole = text[: longest + 1].rsplit(" ", 1)[0] if " " in text[: longest + 1] else text[:longest]
    return whole[:longest].rstrip(" ,;:-")


def distinct(make: Callable[[], str], count: int) -> list[str]:
    """`count` different texts, if the source has that many to give."""
    made: dict[str, None] = {}
    for _ in range(count * 8):
        if len(made) == count:
            break
        made.setdefault(make())
    return list(made)


def _fitting(sentences: Iterable[str], longest: int) -> list[str]:
    """As many whole sentences as there is room for; the ending is kept rather than the middle."""
    kept = [sentence for sentence in sentences if sentence]
    while len(kept) > 1 and sum(map(len, kept)) + 2 * len(kept) > longest:
        kept.pop(len(kept) // 2 if len(kept) > 2 else -1)
    return kept


def _laid_out(sentences: Sequence[str], lively: bool) -> str:
    text = list(sentences)
    if lively and text and text[-1].endswith("."):
        text[-1] = text[-1][:-1] + "!"
    if sum(map(len, text)) < 320:
        return " ".join(text)
    paragraphs = [" ".join(text[start : start + 2]) for start in range(0, len(text), 2)]
    return "\n\n".join(paragraphs)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


_SMALL = frozenset({"a", "an", "the", "of", "in", "on", "to", "for", "with", "and", "or", "at", "from", "by"})


def _titled(text: str) -> str:
    """As in a heading, without a leading article."""
    words = text.removeprefix("the ").split()
    return " ".join(word if word in _SMALL and place else _capital(word) for place, word in enumerate(words))
