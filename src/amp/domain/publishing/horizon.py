"""How far ahead anything is planned: what is further off is a slip of the pen, and no account lasts that long."""

from datetime import datetime, timedelta

from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import Invalid

FARTHEST = timedelta(days=730)
"""As long as the longest mission."""


def beyond(now: datetime, at: datetime, field: str) -> str | None:
    """What is wrong with planning something for `at`, if it is too far off."""
    if at - now <= FARTHEST:
        return None
    return f"{field} is too far off: at most {FARTHEST.days} days from now, which is until {now + FARTHEST:%Y-%m-%d}"


def require_near(uow: UnitOfWork, at: datetime, field: str) -> None:
    """Errors: Invalid naming the field."""
    if message := beyond(uow.clock.now(), at, field):
        raise Invalid(message, param=field)
