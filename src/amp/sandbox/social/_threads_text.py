"""Threads: how long a text is, and which links are in it. Emoji count as the bytes they take in UTF-8."""

import re

_EMOJI = re.compile(
    "["
    "\U0001f000-\U0001faff"  # pictographs, faces, flags, transport
    "\u2600-\u27bf\u2b00-\u2bff"  # weather, dingbats, stars
    "\u231a-\u23ff\u2190-\u21ff\u25a0-\u25ff\u3030\u303d\u3297\u3299"  # clocks, arrows, shapes, signs
    "\ufe0f\u200d\u20e3"  # what joins and dresses them
    "\U000e0020-\U000e007f"
    "]"
)
_LINK = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)


def length(text: str) -> int:
    return len(_EMOJI.sub("", text)) + sum(len(mark.encode()) for mark in _EMOJI.findall(text))


def links(text: str) -> list[str]:
    """Every different link, in order."""
    return list(dict.fromkeys(link.rstrip(".,;:!?)") for link in _LINK.findall(text)))
