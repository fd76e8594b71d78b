"""API keys as text: family and environment, 256 random bits in base62, and a checksum.

    amp_test_ 4fT0q...(43 characters)... 2Zx91c
    family and environment    secret     CRC-32 of all before it

The checksum tells a mistyped key from an unknown one without asking the database. What is stored is a keyed
hash; a key that was random to begin with needs no slow one.
"""

import re
import secrets
import zlib
from dataclasses import dataclass
from typing import Literal, cast

from amp.domain.tenants.models import Environment
from amp.kit.secrets import SecretKeys

Family = Literal["amp", "mk"]

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH = 43
_CHECKSUM_LENGTH = 6
_SHOWN_LENGTH = 4
_FORM = re.compile(rf"(amp|mk)_(live|test)_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}}")


@dataclass(frozen=True, repr=False)
class Key:
    """A raw key in memory. Never printed: `repr` is disabled."""

    text: str
    family: Family
    environment: Environment

    @property
    def prefix(self) -> str:
        return f"{self.family}_{self.environment}_{self.text.rpartition('_')[2][:_SHOWN_LENGTH]}"

    @property
    def last_four(self) -> str:
        return self.text[-4:]

    def digest(self, keys: SecretKeys) -> bytes:
        return keys.digest("api key", self.text)


def new_key(family: Family, environment: Environment) -> Key:
    secret = "".join(secrets.choice(_BASE62) for _ in range(_SECRET_LENGTH))
    head = f"{family}_{environment}_{secret}"
    return Key(head + _checksum(head), family, environment)


def parse_key(text: str) -> Key | None:
    """The key in `text`; None when it cannot be one, because of its form or its checksum."""
    form = _FORM.fullmatch(text)
    if not form or _checksum(text[:-_CHECKSUM_LENGTH]) != text[-_CHECKSUM_LENGTH:]:
        return None
    return Key(text, cast("Family", form[1]), cast("Environment", form[2]))


def _checksum(head: str) -> str:
    number = zlib.crc32(head.encode())
    digits: list[str] = []
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))
