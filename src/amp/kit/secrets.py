"""Secrets: what we keep, how it is derived, sealed and compared.

One master key (`AMP_SECRET_KEY`) gives, by HKDF, a key for each purpose. Tokens at rest are sealed with
AES-256-GCM, bound to their row by associated data; the id of the master key is in the sealed text, so that
keys can be rotated.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Unreadable(Exception):
    """A sealed text that this key, or this row, cannot open."""


@dataclass(frozen=True, repr=False)
class SecretKeys:
    """Everything derived from the master key. Never printed: `repr` is disabled."""

    master: bytes

    def derive(self, purpose: str, length: int = 32) -> bytes:
        return _derived(self.master, purpose, length)

    def digest(self, purpose: str, value: str) -> bytes:
        """A keyed hash, for looking up secrets that were random to begin with."""
        return hmac.new(self.derive(purpose), value.encode(), hashlib.sha256).digest()

    @property
    def key_id(self) -> str:
        return hashlib.sha256(b"amp key id" + self.master).hexdigest()[:8]

    def seal(self, plain: str, *, row: str) -> str:
        nonce = secrets.token_bytes(12)
        sealed = AESGCM(self.derive("seal")).encrypt(nonce, plain.encode(), row.encode())
        return f"{self.key_id}.{_b64(nonce + sealed)}"

    def unseal(self, sealed: str, *, row: str) -> str:
        key_id, _, body = sealed.partition(".")
        if key_id != self.key_id:
            raise Unreadable(f"sealed with another key ({key_id})")
        raw = base64.urlsafe_b64decode(body)
        try:
            return AESGCM(self.derive("seal")).decrypt(raw[:12], raw[12:], row.encode()).decode()
        except InvalidTag as error:
            raise Unreadable("sealed for another row") from error


@cache
def _derived(master: bytes, purpose: str, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose.encode()).derive(master)


def random_token(size: int = 32) -> str:
    """URL-safe text with `size` bytes of entropy."""
    return secrets.token_urlsafe(size)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()
