"""The media of a delivery: brought in where the vendor needs bytes and we have an address only, and read so that the
lease lasts as long as the reading."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from amp.domain.media.fetching import brought_in
from amp.domain.media.links import MediaLinks
from amp.domain.media.operations import stored
from amp.domain.media.port import Storage, StoredFile
from amp.domain.platforms.port import Capabilities, Draft, Medium, Settings
from amp.domain.platforms.validation import read_settings, validate
from amp.domain.publishing.claiming import Claimed
from amp.domain.publishing.port import MediaFile
from amp.domain.publishing.progress import SavedProgress
from amp.engine.jobs import Ports
from amp.engine.unit_of_work import UnitsOfWork
from amp.kit.database import Scope
from amp.kit.errors import ProviderFailed, Rejected


async def brought(
    units: UnitsOfWork, ports: Ports, claimed: Claimed, capabilities: Capabilities, progress: SavedProgress
) -> list[dict[str, Any]]:
    """The descriptions of the post's media, each of a file that the vendor can be given.

    What was brought in is judged by its real numbers. Errors: ProviderFailed, Rejected or Retry; nothing was sent."""
    scope = Scope(workspace_id=claimed.workspace_id)
    media: list[dict[str, Any]] = list(claimed.media)
    for index, description in enumerate(media):
        if _needs_bytes(description, capabilities):
            field = f"media[{index}]"
            media[index] = await brought_in(units, ports, scope, description, field=field, alive=progress.keep)
    if media != claimed.media:
        await progress.media(media)
        _judge(claimed, capabilities, media)
    return media


def settings_of(claimed: Claimed, capabilities: Capabilities) -> Settings:
    """The platform's settings. Errors: ProviderFailed (Rejected) for what older rules allowed and ours do not."""
    settings, wrong = read_settings(claimed.settings, capabilities)
    if settings is None:
        field, code, message = wrong[0]
        raise ProviderFailed(message, remedy=Rejected(code, field))
    return settings


def files_of(ports: Ports, media: list[dict[str, Any]], progress: SavedProgress) -> tuple[MediaFile, ...]:
    storage = KeepingStorage(ports.get(Storage), progress)
    return tuple(stored(storage, ports.get(MediaLinks), description) for description in media)


def _needs_bytes(description: Mapping[str, Any], capabilities: Capabilities) -> bool:
    if _medium(description).kind in capabilities.fetches_media:
        return False
    return not description.get("storageKey") or bool(description.get("thumbnailUrl") and "thumbnail" not in description)


def _judge(claimed: Claimed, capabilities: Capabilities, media: list[dict[str, Any]]) -> None:
    draft = Draft(tuple(claimed.parts), tuple(map(_medium, media)), claimed.link_url, claimed.settings)
    for problem in validate(draft, capabilities):
        raise ProviderFailed(problem.message, remedy=Rejected(problem.code, problem.field))


def _medium(description: Mapping[str, Any]) -> Medium:
    return Medium(
        mime_type=description.get("mimeType") or "",
        size_bytes=description.get("sizeBytes"),
        width=description.get("width"),
        height=description.get("height"),
        seconds=description.get("durationSeconds"),
        alt_text=description.get("altText"),
    )


@dataclass(frozen=True)
class KeepingStorage:
    """Media whose reading keeps the lease: an upload may take longer than a lease lasts."""

    storage: Storage
    progress: SavedProgress

    async def open(self, key: str, start: int = 0) -> AsyncIterator[bytes]:
        async for chunk in self.storage.open(key, start):
            await self.progress.keep()
            yield chunk

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        return await self.storage.put(key, chunks)

    async def delete(self, key: str) -> None:
        await self.storage.delete(key)

    def files(self) -> AsyncIterator[StoredFile]:
        return self.storage.files()
