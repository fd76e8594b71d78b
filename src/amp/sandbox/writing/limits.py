"""Limits that are stated in words: *at most 280 characters*, *two to four words*, *2 to 5 posts*."""

import re

_NUMBER = r"(\d[\d,.]{0,6})"
_CHARACTERS = r"(?:[a-z]+[ -])?(?:characters?|chars?|letters?|code points?|utf-?16 units?|bytes)\b"
_LIMITS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:at most|max(?:imum)?(?: of| is)?:?|no more than|not more than|up to|under|below|within|"
        rf"limit(?: of| is)?:?|limited to|fewer than|less than|shorter than|<=?|≤)\s*{_NUMBER}\s*{_CHARACTERS}",
        rf"{_NUMBER}[- ]{_CHARACTERS}\s*(?:or (?:less|fewer)|max(?:imum)?|at most|limit|or under)",
        rf"between \d+ and {_NUMBER}\s*{_CHARACTERS}",
        rf"{_NUMBER}-{_CHARACTERS}",
        rf"max_?length\W{{1,4}}{_NUMBER}",
    )
)
_WORD_LIMIT = re.compile(
    r"(?:at most|max(?:imum)?(?: of)?|no more than|up to|under|(?:two|three|one|\d+) to)\s*"
    r"(\d+|one|two|three|four|five|six|seven|eight|nine|ten)\s+words?",
    re.IGNORECASE,
)
_NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def stated_limit(text: str) -> int | None:
    """The lowest stated maximum in characters."""
    found = [int(re.sub(r"\D", "", match[1])) for limit in _LIMITS for match in limit.finditer(text)]
    return min((number for number in found if number > 0), default=None)


def stated_words(text: str) -> int | None:
    match = _WORD_LIMIT.search(text)
    if match is None:
        return None
    return _number(match[1])


_COUNT = re.compile(r"\b(\w+) (?:to|or|-|–) (\w+) (?:posts|parts|tweets|items|entries|messages)\b", re.IGNORECASE)


def stated_count(text: str) -> tuple[int, int] | None:
    """How many posts or parts: the least and the most."""
    for match in _COUNT.finditer(text):
        low, high = _number(match[1]), _number(match[2])
        if low is not None and high is not None:
            return low, high
    return None


def _number(word: str) -> int | None:
    if word.isdecimal():
        return int(word)
    return _NUMBER_WORDS.index(word.lower()) if word.lower() in _NUMBER_WORDS else None
