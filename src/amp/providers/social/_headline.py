"""A title made of a text that brings none."""

from collections.abc import Callable


def headline(text: str, limit: int, count: Callable[[str], int] = len) -> str:
    """The first line of a text, cut after a word where it is longer than `limit` (as `count` measures)."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if count(line) <= limit:
        return line
    cut = line
    while count(cut) > limit - 1:
        cut = cut[:-1]
    words = cut.rsplit(maxsplit=1)[0] if " " in cut and line[len(cut)] != " " else cut
    return f"{words.rstrip()}\N{HORIZONTAL ELLIPSIS}"
