"""Speaking to the person at the terminal."""

import sys
from typing import NoReturn

REFUSED = 78
"""Exit status when trying again would not help: the configuration is wrong (EX_CONFIG)."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 (for the person who started it)


def fail(text: str, *, status: int = 1) -> NoReturn:
    say(text)
    sys.exit(status)
