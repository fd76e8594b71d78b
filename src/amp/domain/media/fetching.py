"""Bringing in media that a post names by a stranger's URL, when a platform needs the bytes.

    description with a URL ──> fetched, examined, stored ──> row ──> description with what we found

Before the first attempt, and outside any transaction. What was fetched once is used again: by a second platform, or
after a crash between here and the delivery's own row.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from amp.domain.media.models import Media
from amp.domain.media.operations import describe, keep
from amp.domain.media.receiving import MAX_UPLOAD_BYTES, UPLOADED_TYPES, Alive, Intake, take_in
from amp.engine.jobs import Ports
from amp.engine.unit_of_work import UnitsOfWork
from amp.kit.database import Scope
from amp.kit.errors import Invalid, NotFound, ProviderFailed, Rejected, Retry, TooLarge, Unavailable
from amp.kit.telemetry import log

FETCHED_TYPES = UPLOADED_TYPES | {"image/gif"}
PICTURES = frozenset(one for one in UPLOADED_TYPES if one.startswith("image/"))
MAX_FETCHED_BYTES = 1_000_000_000
_SECONDS = 900.0
_USED_AGAIN = timedelta(minutes=10)
"""A file at an address may change: what is posted tomorrow is fetched again."""


async def brought_in(
    units: UnitsOfWork,
    ports: Ports,
    scope: Scope,
    description: Mapping[str, Any],
    *,
    field: str = "media[0]",
    alive: Alive | None = None,
) -> dict[str, Any]:
    """The description of a stranger's medium as one that we hold, with numbers that we found out ourselves, and so its
    thumbnail; what we hold already stays. `alive` is called again and again while the bytes come; `field` names the
    medium in errors.

    Errors: ProviderFailed: Rejected (`UNSUPPORTED_MEDIA_TYPE`, `MEDIA_UPLOAD_FAILED`), or Retry when the stranger's
    server may give it later. A thumbnail that cannot be had is no error: it is left out.
    """
    whole = dict(description)
    if not whole.get("storageKey"):
        whole |= await _found(units, ports, scope, description, field, alive)
    if whole.get("thumbnailUrl") and not whole.get("thumbnail"):
        whole["thumbnail"] = await _thumbnail(units, ports, scope, str(whole["thumbnailUrl"]), alive)
    return whole


async def _found(
    units: UnitsOfWork, ports: Ports, scope: Scope, description: Mapping[str, Any], field: str, alive: Alive | None
) -> dict[str, Any]:
    url = str(description.get("url") or "")
    try:
        media = await _held(units, ports, scope, Wanted(url, FETCHED_TYPES, MAX_FETCHED_BYTES), alive)
    except Unavailable as error:
        later = Retry(code="MEDIA_UPLOAD_FAILED")
        raise ProviderFailed(f"{field} cannot be fetched now: {error.message}", remedy=later) from error
    except (Invalid, NotFound, TooLarge) as error:
        code = error.code if error.code == "UNSUPPORTED_MEDIA_TYPE" else "MEDIA_UPLOAD_FAILED"
        refused = Rejected(code, f"{field}.url")
        raise ProviderFailed(f"{field} cannot be fetched: {error.message}", remedy=refused) from error
    _check_kind(description, media, field)
    return {name: value for name, value in describe(media).items() if name not in ("altText", "filename")}


async def _thumbnail(
    units: UnitsOfWork, ports: Ports, scope: Scope, url: str, alive: Alive | None
) -> dict[str, Any] | None:
    try:
        media = await _held(units, ports, scope, Wanted(url, PICTURES, MAX_UPLOAD_BYTES), alive)
    except (Unavailable, Invalid, NotFound, TooLarge) as error:
        log.info("a thumbnail is left out", reason=error.message)
        return None
    return describe(media)


@dataclass(frozen=True)
class Wanted:
    """What is fetched: where from, and what it may be."""

    url: str
    mime_types: Collection[str]
    max_bytes: int


async def _held(units: UnitsOfWork, ports: Ports, scope: Scope, wanted: Wanted, alive: Alive | None) -> Media:
    """The medium at an address, with its row. Errors: as of `Fetcher.fetch` and `take_in`."""
    known = await _fetched_lately(units, scope, wanted)
    if known:
        return known
    if scope.workspace_id is None:
        raise LookupError("media belong to a workspace")
    intake = ports.get(Intake)
    async with intake.fetcher.fetch(wanted.url, max_bytes=wanted.max_bytes, seconds=_SECONDS) as answer:
        kept = await take_in(
            intake,
            scope.workspace_id,
            answer.chunks(),
            mime_types=wanted.mime_types,
            max_bytes=wanted.max_bytes,
            source_url=wanted.url,
            alive=alive,
        )
    async with units.begin(scope) as uow:
        return await keep(uow, kept)


async def _fetched_lately(units: UnitsOfWork, scope: Scope, wanted: Wanted) -> Media | None:
    lately = units.clock.now() - _USED_AGAIN
    query = select(Media).where(
        Media.workspace_id == scope.workspace_id,
        Media.source_url == wanted.url,
        Media.mime_type.in_(wanted.mime_types),
        Media.created_at > lately,
    )
    async with units.begin(scope) as uow:
        return await uow.session.scalar(query.order_by(Media.id).limit(1))


def _check_kind(claimed: Mapping[str, Any], media: Media, field: str) -> None:
    """A film that was called a picture was validated as a picture. Wrong numbers are put right instead: whether the
    platform takes the real ones is judged again."""
    found = describe(media)["type"]
    kind = claimed.get("type")
    if kind not in (None, found):
        raise ProviderFailed(
            f"{field} was called {kind}, but is {found} ({media.mime_type})",
            remedy=Rejected("UNSUPPORTED_MEDIA_TYPE", f"{field}.type"),
        )
