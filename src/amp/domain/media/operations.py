"""Keeping media and handing them to those who publish them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from amp.domain.media.models import Media
from amp.domain.media.port import Storage
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import NotFound
from amp.kit.ids import Kind, encode, new_id


@dataclass(frozen=True)
class StoredMedia:
    """A file we hold, as publishing reads it."""

    storage: Storage
    storage_key: str
    media_id: str
    mime_type: str
    size_bytes: int
    alt_text: str | None
    width: int | None
    height: int | None
    seconds: float | None
    url: str
    thumbnail_url: str | None
    thumbnail: "StoredMedia | None" = None

    def chunks(self, start: int = 0) -> AsyncIterator[bytes]:
        return self.storage.open(self.storage_key, start)


async def keep_media(
    uow: UnitOfWork, storage: Storage, chunks: AsyncIterator[bytes], *, mime_type: str, alt_text: str | None = None
) -> Media:
    """Store the bytes, then the row: a crash between them leaves a file that nobody refers to."""
    media_id = new_id()
    key = f"{uow.workspace_id}/{media_id}"
    size = await storage.put(key, chunks)
    media = Media(
        workspace_id=uow.workspace_id,
        id=media_id,
        storage_key=key,
        mime_type=mime_type,
        size_bytes=size,
        alt_text=alt_text,
        created_at=uow.clock.now(),
    )
    uow.session.add(media)
    await uow.session.flush()
    return media


def describe(media: Media) -> dict[str, Any]:
    """What a post keeps of a medium: enough to publish it, with the id for everything else."""
    return {
        "id": encode(Kind.MEDIA, media.id),
        "storageKey": media.storage_key,
        "mimeType": media.mime_type,
        "sizeBytes": media.size_bytes,
        "altText": media.alt_text,
    }


def stored(storage: Storage, description: dict[str, Any]) -> StoredMedia:
    return StoredMedia(
        storage=storage,
        storage_key=description["storageKey"],
        media_id=description["id"],
        mime_type=description["mimeType"],
        size_bytes=description["sizeBytes"],
        alt_text=description.get("altText"),
        width=description.get("width"),
        height=description.get("height"),
        seconds=description.get("durationSeconds"),
        url=description.get("url", ""),
        thumbnail_url=description.get("thumbnailUrl"),
    )


async def get_media(uow: UnitOfWork, media_id: UUID) -> Media:
    media = await uow.session.get(Media, (uow.scope.workspace_id, media_id))
    if media is None:
        raise NotFound("Media not found")
    return media
