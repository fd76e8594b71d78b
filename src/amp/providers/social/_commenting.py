"""The first comment under a post that is public already: made at most once, and never a reason to fail.

post saved ── intend ── comment ── saved, with a note if it was refused
                └─ no answer, or a crash ─> not repeated: a note says that nobody knows
"""

from collections.abc import Awaitable, Callable
from typing import Any

from amp.domain.publishing.port import Progress
from amp.kit.errors import ProviderFailed, Unknown

UNKNOWN = "It is not known whether the first comment was made: look, and make it by hand if it is missing."


async def commented(progress: Progress, comment: Callable[[], Awaitable[Any]]) -> tuple[str, ...]:
    """Make the comment unless an attempt was made before; what a person should know of it. Call it when the id of the
    post is saved, and with a token that was good a moment ago: a refusal is noted, whatever its remedy."""
    if "comment" not in progress.state:
        await progress.intend("first comment")
        await progress.save(comment=await _attempt(comment))
    return comment_notes(progress)


async def comment_is_lost(progress: Progress) -> None:
    """For `find`, where the post itself had been saved: the open question can only be that of the comment."""
    if "comment" not in progress.state:
        await progress.save(comment=UNKNOWN)


def comment_notes(progress: Progress) -> tuple[str, ...]:
    note = progress.state.get("comment")
    return (note,) if note else ()


async def _attempt(comment: Callable[[], Awaitable[Any]]) -> str:
    try:
        await comment()
    except ProviderFailed as error:
        return UNKNOWN if isinstance(error.remedy, Unknown) else f"The first comment was not made: {error.message}"
    return ""
