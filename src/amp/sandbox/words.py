"""Lists of words, written as a text."""


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())
