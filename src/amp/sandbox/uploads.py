"""Media handed to a vendor before the post that shows them: parts, and processing over virtual time.

    open --all parts there--> processing --ready_at--> ready
                                   `-----------------> failed (when `failure` is set)

Processing has no job: what state an upload is in follows from its times and the clock.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from amp.kit.secrets import random_token
from amp.sandbox.formats import HEAD_BYTES, Format
from amp.sandbox.skimming import Skim
from amp.sandbox.tables import upload_parts, uploads
from amp.sandbox.vendor import Call

State = Literal["open", "processing", "ready", "failed"]


@dataclass(frozen=True)
class Upload:
    remote_id: str
    account: str
    kind: str
    media_type: str
    declared_bytes: int | None
    is_complete: bool
    failure: str | None
    starts_at: datetime | None
    ready_at: datetime | None
    alt_text: str | None
    width: int | None
    height: int | None
    seconds: float | None
    extra: Mapping[str, Any]
    secret: str
    created_at: datetime
    expires_at: datetime

    def state(self, now: datetime) -> State:
        if not self.is_complete or self.ready_at is None:
            return "open"
        if now < self.ready_at:
            return "processing"
        return "failed" if self.failure else "ready"

    def progress(self, now: datetime) -> int:
        """Percent of the processing done; 0 while it waits for its turn."""
        if self.starts_at is None or self.ready_at is None or now <= self.starts_at:
            return 0
        span = (self.ready_at - self.starts_at).total_seconds()
        return min(100, int(100 * (now - self.starts_at).total_seconds() / span)) if span else 100

    def is_usable(self, now: datetime) -> bool:
        return self.state(now) == "ready" and now < self.expires_at

    def described(self) -> dict[str, Any]:
        """As it stands in the ledger."""
        return {
            "id": self.remote_id,
            "kind": self.kind,
            "media_type": self.media_type,
            "bytes": self.declared_bytes,
            "alt_text": self.alt_text,
        }


@dataclass(frozen=True)
class Part:
    number: int
    size: int
    etag: str
    head: bytes


@dataclass(frozen=True)
class Verdict:
    """What the vendor finds when all bytes are there: how long it works on them, and what comes of it."""

    size: int
    waits: timedelta = timedelta()
    works: timedelta = timedelta()
    failure: str | None = None
    format: Format | None = None


async def open_upload(
    call: Call,
    remote_id: str,
    *,
    kind: str,
    media_type: str,
    declared_bytes: int | None,
    lifetime: timedelta,
    extra: Mapping[str, Any] | None = None,
) -> Upload:
    row = {
        "owner": call.account.owner,
        "vendor": call.account.vendor,
        "account": call.account.remote_id,
        "remote_id": remote_id,
        "kind": kind,
        "media_type": media_type,
        "declared_bytes": declared_bytes,
        "is_complete": False,
        "extra": dict(extra or {}),
        "secret": random_token(24),
        "created_at": call.now,
        "expires_at": call.now + lifetime,
    }
    made = await call.connection.execute(insert(uploads).values(row).returning(uploads))
    return _upload_of(made.one())


async def find_uploads(call: Call, remote_ids: Sequence[str], *, lock: bool = False) -> dict[str, Upload]:
    """The caller's own uploads by id. `lock`: of two requests that want to use one, the second waits for the first."""
    query = select(uploads).where(
        uploads.c.owner == call.account.owner,
        uploads.c.vendor == call.account.vendor,
        uploads.c.account == call.account.remote_id,
        uploads.c.remote_id.in_(remote_ids),
    )
    if lock:
        query = query.order_by(uploads.c.remote_id).with_for_update()
    return {row.remote_id: _upload_of(row) for row in await call.connection.execute(query)}


async def find_upload(call: Call, remote_id: str, *, lock: bool = False) -> Upload | None:
    return (await find_uploads(call, [remote_id], lock=lock)).get(remote_id)


async def add_part(call: Call, upload: Upload, number: int, content: bytes, *, keep: bool) -> Part:
    """Store a part; sending the same number again replaces it. `keep`: the bytes themselves, for the feed."""
    etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
    part = Part(number, len(content), etag, content[:HEAD_BYTES])
    return await _store(call, upload, part, content if keep else None)


async def add_skimmed(call: Call, upload: Upload, number: int, skim: Skim) -> Part:
    """Store what a part was like; its bytes are gone."""
    return await _store(call, upload, Part(number, skim.size, skim.md5, skim.head), None)


async def _store(call: Call, upload: Upload, part: Part, content: bytes | None) -> Part:
    values = {"size": part.size, "etag": part.etag, "head": part.head, "content": content}
    key = {
        "owner": call.account.owner,
        "vendor": call.account.vendor,
        "upload": upload.remote_id,
        "number": part.number,
    }
    query = upsert(upload_parts).values(**key, **values)
    await call.connection.execute(query.on_conflict_do_update(index_elements=list(key), set_=values))
    return part


async def list_parts(call: Call, upload: Upload) -> list[Part]:
    columns = (upload_parts.c.number, upload_parts.c.size, upload_parts.c.etag, upload_parts.c.head)
    query = select(*columns).where(*_of_upload(call, upload)).order_by(upload_parts.c.number)
    return [Part(row.number, row.size, row.etag, row.head) for row in await call.connection.execute(query)]


async def joined_content(call: Call, upload: Upload) -> bytes:
    """The kept bytes of all parts, in order."""
    query = select(upload_parts.c.content).where(*_of_upload(call, upload)).order_by(upload_parts.c.number)
    return b"".join([part or b"" for part in (await call.connection.execute(query)).scalars()])


async def complete(call: Call, upload: Upload, verdict: Verdict) -> Upload:
    """No more parts: processing begins."""
    starts_at = call.now + verdict.waits
    values = {
        "is_complete": True,
        "declared_bytes": verdict.size,
        "starts_at": starts_at,
        "ready_at": starts_at + verdict.works,
        "failure": verdict.failure,
        "media_type": verdict.format.media_type if verdict.format else upload.media_type,
        "width": verdict.format.width if verdict.format else None,
        "height": verdict.format.height if verdict.format else None,
        "seconds": verdict.format.seconds if verdict.format else None,
    }
    done = await call.connection.execute(_change(call, upload).values(**values).returning(uploads))
    return _upload_of(done.one())


async def note(call: Call, upload: Upload, **facts: Any) -> Upload:
    """Remember more of what only this vendor knows."""
    extra = {**upload.extra, **facts}
    await call.connection.execute(_change(call, upload).values(extra=extra))
    return replace(upload, extra=extra)


async def describe(call: Call, upload: Upload, alt_text: str) -> None:
    await call.connection.execute(_change(call, upload).values(alt_text=alt_text))


def _change(call: Call, upload: Upload) -> Any:
    return update(uploads).where(
        uploads.c.owner == call.account.owner,
        uploads.c.vendor == call.account.vendor,
        uploads.c.remote_id == upload.remote_id,
    )


def _of_upload(call: Call, upload: Upload) -> tuple[Any, Any, Any]:
    return (
        upload_parts.c.owner == call.account.owner,
        upload_parts.c.vendor == call.account.vendor,
        upload_parts.c.upload == upload.remote_id,
    )


def _upload_of(row: Row[Any]) -> Upload:
    return Upload(
        remote_id=row.remote_id,
        account=row.account,
        kind=row.kind,
        media_type=row.media_type,
        declared_bytes=row.declared_bytes,
        is_complete=row.is_complete,
        failure=row.failure,
        starts_at=row.starts_at,
        ready_at=row.ready_at,
        alt_text=row.alt_text,
        width=row.width,
        height=row.height,
        seconds=row.seconds,
        extra=row.extra,
        secret=row.secret,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
