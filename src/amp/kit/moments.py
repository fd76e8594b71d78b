"""Times as they are written: pydantic would take numbers, and numbers in texts, for Unix time."""

import re
from datetime import UTC, datetime
from typing import Any

from pydantic_core import PydanticCustomError

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*", re.DOTALL)


def written_time(value: Any) -> Any:
    """For a BeforeValidator: only texts that look like a time."""
    if isinstance(value, datetime) or (isinstance(value, str) and _TIME.fullmatch(value)):
        return value
    raise PydanticCustomError("datetime_type", "not a time")


def in_utc(moment: datetime) -> datetime:
    """For an AfterValidator."""
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("this time is out of range") from error
