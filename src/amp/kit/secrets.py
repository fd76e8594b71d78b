"""Secrets: what we keep, how it is derived, sealed and compared.

One master key (`AMP_SECRET_KEY`) gives, by HKDF, a key for each purpose. Tokens at rest are sealed with
AES-256-GCM, bound to their row by associated data. A sealed text begins with the id of its master key, so that the
master key can be changed while everything runs: what an earlier one sealed stays readable until it is sealed anew.

    <key id>.<base64url of nonce and ciphertext>
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from amp.kit.errors import AmpError


class Unreadable(AmpError):
    """A sealed text that none of our keys, or not this row, can open."""

    code = "secret_unreadable"


@dataclass(frozen=True, repr=False)
class SecretKeys:
    """Everything derived from the master key. Never printed: `repr` is disabled."""

    master: bytes
    previous: tuple[bytes, ...] = ()
    """Earlier master keys, newest first: they open what they sealed, and seal nothing any more."""

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
        """Errors: Unreadable."""
        key_id, _, body = sealed.partition(".")
        keys = next((keys for keys in (self, *self.earlier()) if keys.key_id == key_id), None)
        if keys is None:
            name = "neither AMP_SECRET_KEY nor among AMP_SECRET_KEY_PREVIOUS"
            raise Unreadable(f"A secret is sealed with the master key {key_id}, which is {name}")
        raw = base64.urlsafe_b64decode(body)
        try:
            return AESGCM(keys.derive("seal")).decrypt(raw[:12], raw[12:], row.encode()).decode()
        except InvalidTag as error:
            raise Unreadable("A secret was sealed for another row, or changed since") from error

    def is_current(self, sealed: str) -> bool:
        """Whether it was sealed with the master key, not with an earlier one."""
        return sealed.startswith(f"{self.key_id}.")

    def earlier(self) -> Sequence["SecretKeys"]:
        """What is derived from each of the earlier master keys."""
        return [SecretKeys(master) for master in self.previous]


@cache
def _derived(master: bytes, purpose: str, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose.encode()).derive(master)


def random_token(size: int = 32) -> str:
    """URL-safe text with `size` bytes of entropy."""
    return secrets.token_urlsafe(size)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()
