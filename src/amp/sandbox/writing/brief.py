"""Reading a prompt: what it is about, what it must not touch, and how long the text may be.

A language model understands; this only looks. It knows the ways in which briefs usually say these things:
labelled lines (`Topic: ...`), lists after a colon, limits such as *at most 280 characters*.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from amp.sandbox.words import words
from amp.sandbox.writing.lexicon import LEADING_VERBS, MASS_ENDINGS, MASS_NOUNS, STOP_WORDS, TASK_WORDS
from amp.sandbox.writing.limits import stated_limit

_TOPIC_LABELS = ("topic", "subject", "theme")
_SUBJECT_LABELS = (
    "campaign",
    "about",
    "product",
    "brand",
    "company",
    "description",
    "objectives",
    "objective",
    "goals",
    "goal",
    "mission",
    "project",
    "launch",
    "brief",
    "message",
    "idea",
)
_NAME_LABELS = ("campaign", "mission", "project", "launch")
_LABELLED = re.compile(r"^[\s>*#-]*[\"']?([A-Za-z][A-Za-z ]{1,30}?)[\"']?\s*:\s*(.+)$", re.MULTILINE)
_INSTEAD = re.compile(
    r"^.*\b(?:last|earlier|previous) (?:draft|version|post|attempt)s?\b.*$", re.MULTILINE | re.IGNORECASE
)
_FORBIDS = r"(?:exclud\w+|avoid\w*|never|do not|don't|must not|without|forbidden|banned|off[- ]limits|not allowed)"
_FORBIDDEN_LIST = re.compile(rf"\b{_FORBIDS}\b[^.\n:]{{0,70}}:\s*(\[[^\]]*\]|[^\n]+)", re.IGNORECASE)
_FORBIDDEN_PHRASE = re.compile(
    r"\b(?:avoid(?:ing)?|(?:do not|don't|never|must not) (?:mention|touch|use|say|discuss|write about|talk about))"
    r"(?: the)?(?: words?| topics?| phrases?)?(?: on| of| about)?\s+([^.\n:;]+)",
    re.IGNORECASE,
)
_EVIDENCE = re.compile(r"\bbecause\b.*?\(([^)\n]{1,200})\)", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s*(?:[;,|]|\band\b|\bor\b)\s*")
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_BREAK = re.compile(r"[^\w'’ -]+|\n")
_URL = re.compile(r"https?://[^\s\"'<>)\]]+")
_MARKUP = re.compile(r"<[^>\n]{1,40}>|[{}\[\]\"`*_#]")
_ENDINGS = ("ations", "ation", "ingly", "ings", "ing", "ies", "ers", "er", "ed", "es", "ly", "s", "e", "y")


_PREPOSITIONS = words(
    "about after against at before behind beyond by during for from in into of on over through to with"
)
_BEGINNINGS = words("the a an our your my their its what how why when where who whether this that these those")


@dataclass(frozen=True)
class Brief:
    """What the prose works with. `avoided` holds stems: no word that begins with one may be written."""

    topics: tuple[str, ...] = ()
    things: tuple[str, ...] = ()
    avoided: frozenset[str] = frozenset()
    longest: int | None = None
    urls: tuple[str, ...] = ()
    lively: bool = False
    prompt: str = field(default="", repr=False)

    def allows(self, text: str) -> bool:
        return not self.avoided or not any(
            word.startswith(stem) for word in map(str.lower, _WORD.findall(text)) for stem in self.avoided
        )


def read_brief(task: str, instructions: str = "") -> Brief:
    """`task` is what the user asks, `instructions` the standing rules: subjects come from the first, if it has any."""
    prompt = f"{instructions}\n{task}"
    avoided = frozenset(stem for phrase in forbidden(prompt) for stem in _stems(phrase))
    about = _INSTEAD.sub(" ", _without_forbidden(task))
    background = _without_forbidden(instructions)
    brief = Brief(avoided=avoided)
    topics = [phrase for phrase in _labelled(about, _TOPIC_LABELS) if brief.allows(phrase)]
    things = [phrase for phrase in _things(about, background) if brief.allows(phrase)]
    return Brief(
        topics=tuple(topics or things[:6] or ("everyday work",)),
        things=tuple(things[:12] or topics or ("everyday work",)),
        avoided=avoided,
        longest=stated_limit(task) or stated_limit(instructions),
        urls=tuple(_URL.findall(prompt)),
        lively=bool(
            re.search(r"\b(?:excited|playful|fun|energetic|enthusiastic|bold|cheerful)\b", prompt, re.IGNORECASE)
        ),
        prompt=prompt,
    )


def forbidden(prompt: str) -> list[str]:
    """Every word or phrase that the prompt says to keep out. In a sentence, words of the task itself (*do not
    mention the topic*) are no such words; in a list every entry is meant."""
    listed = [entry for match in _FORBIDDEN_LIST.finditer(prompt) for entry in _SEPARATOR.split(match[1].strip("[] "))]
    told = [entry for match in _FORBIDDEN_PHRASE.finditer(prompt) for entry in _SEPARATOR.split(match[1])]
    blamed = [entry for match in _EVIDENCE.finditer(prompt) for entry in _SEPARATOR.split(match[1])]
    meant = [entry for entry in told if not _is_made_of(entry, STOP_WORDS | TASK_WORDS)]
    cleaned = (entry.strip(" .\"'`[]()") for entry in [*listed, *meant, *blamed])
    return [entry for entry in dict.fromkeys(cleaned) if entry and not _is_made_of(entry, STOP_WORDS)]


def listed_topics(prompt: str) -> list[str]:
    """The entries of a list of topics that the prompt asks about: `Topics: a; b` or `each of these topics: a; b`."""
    for match in re.finditer(
        r"\btopics\b[^.\n:]{0,40}:\s*(\[[^\]]*\]|[^\n]+)", _without_forbidden(prompt), re.IGNORECASE
    ):
        entries = [entry.strip(" \"'[].") for entry in re.split(r"\s*[;,|]\s*", match[1])]
        return [entry for entry in entries if entry]
    return []


def stem(word: str) -> str:
    word = word.lower().replace("’", "'")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def with_article(phrase: str) -> str:
    """Ready to stand as a noun phrase: a countable singular gets its article, names and plurals stand alone."""
    parts = phrase.split()
    border = next((place for place, word in enumerate(parts) if place and word.lower() in _PREPOSITIONS), len(parts))
    head = parts[border - 1]
    last = head.lower()
    begins_well = parts[0].lower() in _BEGINNINGS or parts[0].lower().endswith("ing")
    plural = last.endswith("s") and not last.endswith(("ss", "us", "is"))
    mass = last in MASS_NOUNS or last.endswith(MASS_ENDINGS)
    return phrase if begins_well or plural or mass or head[:1].isupper() else f"the {phrase}"


def _labelled(text: str, labels: Sequence[str]) -> list[str]:
    """What stands after these labels, as phrases."""
    found: list[str] = []
    for match in _LABELLED.finditer(text):
        if match[1].strip().lower() in labels:
            value = _MARKUP.sub("", match[2]).strip().rstrip(".")
            found.append(" ".join(value.split()[:12]))
    return found


def _things(about: str, background: str) -> list[str]:
    """Key phrases: from labelled lines first, then from the task, then from the instructions."""
    lines = [*_subject_lines(about), *_subject_lines(background)]
    phrases = [phrase for line in lines for phrase in _key_phrases(line)]
    if len(phrases) < 2:
        phrases += [phrase for line in _labelled(about, ("pillar",)) for phrase in _key_phrases(line.partition(".")[0])]
    if len(phrases) < 3:
        phrases += _key_phrases(_LABELLED.sub("", about))
    named = [phrase for phrase in _key_phrases(background) if phrase.istitle() and " " in phrase]
    phrases += _key_phrases(background) if not phrases else named
    return list(dict.fromkeys(with_article(phrase) for phrase in phrases))


def _subject_lines(text: str) -> list[str]:
    """What stands after labels that name subjects; the name of the undertaking comes last, as the vaguest."""
    found = [(match[1].strip().lower(), match[2]) for match in _LABELLED.finditer(text)]
    lines = [(label, line) for label, line in found if label in _SUBJECT_LABELS]
    return [line for _, line in sorted(lines, key=lambda entry: entry[0] in _NAME_LABELS)]


def _key_phrases(text: str) -> list[str]:
    """Runs of up to three words between the small words and punctuation; verbs that begin a goal are dropped."""
    text = _MARKUP.sub(" ", _URL.sub(" ", text))
    phrases: list[str] = []
    for piece in _BREAK.split(text):
        run: list[str] = []
        for word in [*piece.split(), ""]:
            if _carries_meaning(word, first=not run):
                run.append(word.strip("'’-"))
                continue
            phrases += _trimmed(run)
            run = []
    return list(dict.fromkeys(phrases))


def _carries_meaning(word: str, *, first: bool) -> bool:
    lower = word.lower().strip("'’-")
    if len(lower) < 2 or not _WORD.fullmatch(word) or lower in STOP_WORDS:
        return lower == "new" and not first
    return lower not in TASK_WORDS or word[:1].isupper()


def _trimmed(run: Sequence[str]) -> Iterable[str]:
    while run and (run[0].lower() in LEADING_VERBS or run[0].lower() in TASK_WORDS):
        run = run[1:]
    while run and run[-1].lower() in TASK_WORDS:
        run = run[:-1]
    if run and any(len(word) > 2 for word in run):
        yield _sentence_case(" ".join(run[:4]))


def _sentence_case(phrase: str) -> str:
    """`Product Launch` reads as a name; a lone capital at the start is only a sentence's."""
    words = phrase.split()
    if (
        len(words) > 1
        and words[0][0].isupper()
        and words[0][1:].islower()
        and not any(w[0].isupper() for w in words[1:])
    ):
        return " ".join([words[0].lower(), *words[1:]])
    return phrase


def _without_forbidden(text: str) -> str:
    return _FORBIDDEN_PHRASE.sub(" ", _FORBIDDEN_LIST.sub(" ", text))


def _stems(phrase: str) -> Iterable[str]:
    """Of a phrase the words that carry it; of several, all of them, to stay clear of the subject."""
    for word in _WORD.findall(phrase):
        if word.lower() not in STOP_WORDS and len(word) > 2:
            yield stem(word)


def _is_made_of(phrase: str, words: frozenset[str]) -> bool:
    return all(word.lower() in words for word in _WORD.findall(phrase))
