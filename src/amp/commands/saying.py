"""Speaking to the person at the terminal."""

import sys
from collections.abc import Sequence
from typing import NoReturn

REFUSED = 78
"""Exit status when trying again would not help: the configuration is wrong (EX_CONFIG)."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 (for the person who started it)


def fail(text: str, *, status: int = 1) -> NoReturn:
    say(text)
    sys.exit(status)


def other_master(unknown: Sequence[str], given: str) -> str:
    """What is wrong when API keys or tokens were made with a master key that we do not have."""
    return (
        f"API keys or tokens were made with the master key {', '.join(unknown)}, and this is {given}: "
        "set AMP_SECRET_KEY to the right one, or name the earlier one in AMP_SECRET_KEY_PREVIOUS"
    )
