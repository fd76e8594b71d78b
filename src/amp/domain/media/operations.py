"""Keeping media, describing them, and handing them to those who publish them.

What a post says of a medium is a description, in the names of the wire. One that has a `storageKey` is of a file that
we hold; without one it is a stranger's URL. A stranger's that we fetched (`fetching.py`) has both, and in `thumbnail`
the description of the picture at its `thumbnailUrl`.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from amp.domain.media.links import MediaLinks
from amp.domain.media.models import Media
from amp.domain.media.port import Source, Storage
from amp.domain.media.probing import Probed
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import NotFound
from amp.kit.ids import Kind, encode, new_id

_OURS_ONLY = frozenset({"storageKey", "thumbnail"})
_NEVER_NULL = frozenset({"id", "filename", "mimeType", "sizeBytes"})


@dataclass(frozen=True)
class Kept:
    """A file that is in the storage and has no row yet."""

    media_id: UUID
    storage_key: str
    probed: Probed
    digest: str
    """SHA-256 of its bytes, in hex."""
    filename: str | None = None
    source_url: str | None = None


@dataclass(frozen=True)
class StoredMedia:
    """A medium as publishing reads it."""

    source: Source
    storage_key: str | None
    """None: it is not ours, and only its URL can be given on."""
    media_id: str
    mime_type: str
    size_bytes: int
    alt_text: str | None
    width: int | None
    height: int | None
    seconds: float | None
    url: str
    thumbnail_url: str | None
    thumbnail: "StoredMedia | None"

    def chunks(self, start: int = 0) -> AsyncIterator[bytes]:
        if self.storage_key is None:
            raise NotFound("We do not hold this medium")
        return self.source.open(self.storage_key, start)


async def keep(uow: UnitOfWork, kept: Kept) -> Media:
    """The row of a file that is in the storage. A crash before it leaves a file that nobody refers to."""
    media = Media(
        workspace_id=uow.workspace_id,
        id=kept.media_id,
        storage_key=kept.storage_key,
        filename=kept.filename,
        mime_type=kept.probed.mime_type,
        size_bytes=kept.probed.size_bytes,
        width=kept.probed.width,
        height=kept.probed.height,
        seconds=kept.probed.seconds,
        source_url=kept.source_url,
        created_at=uow.clock.now(),
    )
    uow.session.add(media)
    await uow.session.flush()
    return media


async def keep_media(
    uow: UnitOfWork, storage: Storage, chunks: AsyncIterator[bytes], *, mime_type: str, alt_text: str | None = None
) -> Media:
    """Store bytes of our own making, with their row."""
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


def describe(media: Media, *, alt_text: str | None = None) -> dict[str, Any]:
    """What a post keeps of a medium of ours. Its address is not part of it: addresses expire."""
    return {
        "id": encode(Kind.MEDIA, media.id),
        "storageKey": media.storage_key,
        "type": "gif" if media.mime_type == "image/gif" else media.mime_type.partition("/")[0],
        "filename": media.filename,
        "mimeType": media.mime_type,
        "sizeBytes": media.size_bytes,
        "width": media.width,
        "height": media.height,
        "durationSeconds": media.seconds,
        "altText": alt_text or media.alt_text,
    }


def stored(source: Source, links: MediaLinks, description: Mapping[str, Any]) -> StoredMedia:
    """A description as `MediaFile`. The URL of a stranger's medium is the stranger's."""
    thumbnail = description.get("thumbnail")
    return StoredMedia(
        source=source,
        storage_key=description.get("storageKey"),
        media_id=description.get("id") or "",
        mime_type=description.get("mimeType") or "",
        size_bytes=description.get("sizeBytes") or 0,
        alt_text=description.get("altText"),
        width=description.get("width"),
        height=description.get("height"),
        seconds=description.get("durationSeconds"),
        url=url_of(links, description),
        thumbnail_url=description.get("thumbnailUrl"),
        thumbnail=stored(source, links, thumbnail) if thumbnail else None,
    )


def presented(links: MediaLinks, description: Mapping[str, Any]) -> dict[str, Any]:
    """A description for those who ask for the post: with an address that works now, without what is ours only. What is
    not known is null or, where the contract (seed, Ampost: Post Shapes) has no null, left out."""
    shown = {
        name: value
        for name, value in description.items()
        if name not in _OURS_ONLY and (value is not None or name not in _NEVER_NULL)
    }
    return {**shown, "url": url_of(links, description)}


def url_of(links: MediaLinks, description: Mapping[str, Any]) -> str:
    """Where the medium is found, for at least two days when it is ours."""
    key = description.get("storageKey")
    if description.get("url") or not key:
        return description.get("url") or ""
    workspace, _, media = str(key).partition("/")
    return links.url(UUID(workspace), UUID(media))


async def get_media(uow: UnitOfWork, media_id: UUID) -> Media:
    media = await uow.session.get(Media, (uow.scope.workspace_id, media_id))
    if media is None:
        raise NotFound("Media not found")
    return media
