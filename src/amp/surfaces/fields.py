"""The types that the contracts' models are made of. A body is read as it is written: no text becomes a number,
no number a time, and no field is ignored."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from amp.kit.moments import in_utc, written_time

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Body(BaseModel):
    """Base of everything that is received: unknown fields are refused, types must be as declared."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def to_wire(moment: datetime) -> str:
    """UTC, ISO 8601 with `Z`; fractions of a second only as far as there are any, which is how PostgreSQL writes it."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{text.rstrip('0') if '.' in text else text}Z"


def _day_or_time(value: Any) -> Any:
    if isinstance(value, str) and _DAY.fullmatch(value):
        return f"{value}T00:00:00Z"
    return written_time(value)


Moment = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(written_time),
    AfterValidator(in_utc),
    PlainSerializer(to_wire, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time with its zone, in and out. A naive one is an error."""

DayOrMoment = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_day_or_time),
    AfterValidator(in_utc),
    WithJsonSchema({"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]}),
]
"""For filters: a time, or a day, which means its beginning in UTC."""
