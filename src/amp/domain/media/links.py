"""Addresses under which strangers may fetch one medium for some days: signed, so that nothing has to be stored."""

import base64
import hashlib
import hmac
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from amp.kit.clock import real_now
from amp.kit.errors import NotFound
from amp.kit.secrets import SecretKeys

_STEP = timedelta(days=1)
_STEPS = 3
_BODY = struct.Struct(">16s16sQ")
_SIGNATURE = 17
"""Bytes; with those before them they fill base64 without padding, so that every token has one spelling."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{76}")


class Expired(NotFound):
    """The address was one of ours, and its time is over."""

    code = "link_expired"


@dataclass(frozen=True)
class MediaLinks:
    """Made under `base_url`, and read again. Real time: they are for the world outside."""

    secrets: SecretKeys
    base_url: str

    def url(self, workspace_id: UUID, media_id: UUID, *, now: datetime | None = None) -> str:
        """Good for two to three days, and the same for a whole day, so that those who fetch may keep what they got."""
        day = int((now or real_now()).timestamp() // _STEP.total_seconds())
        body = _BODY.pack(workspace_id.bytes, media_id.bytes, (day + _STEPS) * int(_STEP.total_seconds()))
        token = base64.urlsafe_b64encode(body + self._signature(body)).decode()
        return f"{self.base_url}/media/{token}"

    def read(self, token: str) -> tuple[UUID, UUID, datetime]:
        """Workspace, medium, and when the address expires. Errors: NotFound for what is not ours; Expired."""
        raw = base64.urlsafe_b64decode(token) if _TOKEN.fullmatch(token) else bytes(_BODY.size)
        body, signature = raw[: _BODY.size], raw[_BODY.size :]
        if not hmac.compare_digest(signature, self._signature(body)):
            raise NotFound("Media not found")
        workspace, media, until = _BODY.unpack(body)
        expires_at = datetime.fromtimestamp(until, UTC)
        if expires_at <= real_now():
            raise Expired("This address of a medium has expired: ask for the post again")
        return UUID(bytes=workspace), UUID(bytes=media), expires_at

    def _signature(self, body: bytes) -> bytes:
        return hmac.new(self.secrets.derive("media links"), body, hashlib.sha256).digest()[:_SIGNATURE]
