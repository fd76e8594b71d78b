"""Passwords: argon2id with OWASP's parameters, in threads, a few at a time so that a burst of logins cannot
take the memory. An unknown user costs the same time as a known one."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from amp.kit.errors import Invalid

_HASHER = PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1)
_FEW = ThreadPoolExecutor(max_workers=4, thread_name_prefix="argon2")
_LONGEST = 1024


async def hash_password(password: str) -> str:
    """Errors: Invalid when it is shorter than 10 or longer than 1024 characters."""
    if not 10 <= len(password) <= _LONGEST:
        raise Invalid("A password has 10 to 1024 characters", param="password")
    return await asyncio.get_running_loop().run_in_executor(_FEW, _HASHER.hash, password)


async def password_matches(password: str, stored: str | None) -> bool:
    """`stored` None stands for an unknown user: same time, never a match."""
    matches = await asyncio.get_running_loop().run_in_executor(_FEW, _verify, password, stored)
    return matches and stored is not None


def is_outdated(stored: str) -> bool:
    """Whether it was hashed with parameters that are no longer ours."""
    return _HASHER.check_needs_rehash(stored)


def new_password() -> str:
    """A password that we choose: about 100 bits, easy to copy."""
    return "-".join(secrets.token_hex(3) for _ in range(4))


def _verify(password: str, stored: str | None) -> bool:
    try:
        return _HASHER.verify(stored or _decoy(), password[:_LONGEST])
    except (VerifyMismatchError, InvalidHashError):
        return False


@cache
def _decoy() -> str:
    return _HASHER.hash(secrets.token_urlsafe())
