"""Ids: a prefix and a time-ordered UUIDv7. In the database the UUID, on the wire `msn_` + 26 characters
of Crockford base32 (the TypeID form), which sorts as it was made."""

from enum import StrEnum
from uuid import UUID

import uuid_utils

from amp.kit.errors import NotFound

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = range(120, -1, -10)
_VALUES = {char: value for value, char in enumerate(_ALPHABET)}


class Kind(StrEnum):
    """What an id is of. The value is its prefix on the wire."""

    TENANT = "ten"
    USER = "usr"
    KEY = "key"
    MISSION = "msn"
    JOB = "job"
    CONTENT = "cnt"
    POST = "post"
    PLATFORM_POST = "pp"
    PLATFORM_SET = "set"
    ACCOUNT = "acc"
    MEDIA = "med"
    REQUEST = "req"
    EVENT = "evt"
    INSIGHT = "ins"
    DECISION = "dec"


def new_id() -> UUID:
    return UUID(int=uuid_utils.uuid7().int)


def encode(kind: Kind, value: UUID) -> str:
    number = value.int
    return f"{kind}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


def decode(kind: Kind, text: str, *, what: str) -> UUID:
    """The UUID in a wire id. Anything else is an id that cannot exist: NotFound, as for a foreign id."""
    prefix, _, body = text.rpartition("_")
    number = _number(body)
    if prefix != kind or number is None:
        raise NotFound(f"{what} not found")
    return UUID(int=number)


def _number(body: str) -> int | None:
    if len(body) != 26 or any(char not in _VALUES for char in body):
        return None
    number = 0
    for char in body:
        number = number << 5 | _VALUES[char]
    return number if number < 1 << 128 else None


def request_id() -> str:
    return encode(Kind.REQUEST, new_id())
