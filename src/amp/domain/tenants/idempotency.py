"""One effect for one `Idempotency-Key`: the claim, the effect and the answer are one transaction, so a crash
leaves neither effect nor answer.

    claim ── held by another request ──> Conflict
      ├───── answered before, same request ──> the stored answer
      ├───── answered before, other request ──> Invalid (idempotency_mismatch)
      └───── free ──> the effect, then `remember`, then commit
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from amp.domain.tenants.models import IdempotentAnswer
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.clock import real_now
from amp.kit.errors import Conflict, Invalid

KEPT = timedelta(hours=24)
_LONGEST = 255


@dataclass(frozen=True)
class Claim:
    """`fingerprint` is a digest of everything that makes two requests the same."""

    workspace_id: UUID
    key: str
    fingerprint: bytes

    @property
    def lock(self) -> int:
        """The advisory lock of this key: the first 64 bits of a digest."""
        digest = hashlib.sha256(self.workspace_id.bytes + self.key.encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)


@dataclass(frozen=True)
class Answer:
    status: int
    body: str


def parse_key(text: str) -> str:
    """The key as the caller wrote it, bare or as a quoted string. Errors: Invalid."""
    key = text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text
    if not 1 <= len(key) <= _LONGEST or not (key.isascii() and key.isprintable()):
        raise Invalid("An Idempotency-Key has 1 to 255 printable ASCII characters", param="Idempotency-Key")
    return key


async def claim(uow: UnitOfWork, wanted: Claim) -> Answer | None:
    """Hold the key until the transaction ends; the answer given before, if there is one.

    Errors: Conflict (the first request is still running), Invalid (the key was used for another request).
    """
    if not await uow.session.scalar(select(func.pg_try_advisory_xact_lock(wanted.lock))):
        raise Conflict("The first request with this Idempotency-Key is still running", code="request_in_progress")
    # A statement of its own: only now is everything visible that the last holder committed.
    stored = await uow.session.scalar(
        select(IdempotentAnswer).where(
            IdempotentAnswer.workspace_id == wanted.workspace_id,
            IdempotentAnswer.key == wanted.key,
            IdempotentAnswer.created_at > real_now() - KEPT,
        )
    )
    if stored is None:
        return None
    if stored.fingerprint != wanted.fingerprint:
        raise Invalid(
            "This Idempotency-Key was used for another request", code="idempotency_mismatch", param="Idempotency-Key"
        )
    return Answer(stored.status, stored.body)


async def remember(uow: UnitOfWork, done: Claim, answer: Answer) -> None:
    """Store the answer of a claimed key, in place of one that is too old to count."""
    values = {
        "fingerprint": done.fingerprint,
        "status": answer.status,
        "body": answer.body,
        "created_at": real_now(),
    }
    statement = insert(IdempotentAnswer).values(workspace_id=done.workspace_id, key=done.key, **values)
    await uow.session.execute(statement.on_conflict_do_update(index_elements=["workspace_id", "key"], set_=values))
