"""Bringing in media that a post names by a stranger's URL, when a platform needs the bytes.

    description with a URL ──> fetched, examined, stored ──> row ──> description with what we found

Before the first attempt, and outside any transaction. What was fetched once is used again: by a second platform, or
after a crash between here and the delivery's own row.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from amp.domain.media.models import Media
from amp.domain.media.operations import Kept, describe, keep
from amp.domain.media.receiving import UPLOADED_TYPES, Alive, Intake, take_in
from amp.engine.jobs import Ports
from amp.engine.unit_of_work import UnitsOfWork
from amp.kit.database import Scope
from amp.kit.errors import Invalid, NotFound, ProviderFailed, Rejected, Retry, TooLarge, Unavailable
from amp.kit.telemetry import log

FETCHED_TYPES = UPLOADED_TYPES | {"image/gif"}
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
    """The description of a stranger's medium as one that we hold, with numbers that we found out ourselves; one of ours
    as it is. `alive` is called again and again while the bytes come; `field` names the medium in errors.

    Errors: ProviderFailed: Rejected (`UNSUPPORTED_MEDIA_TYPE`, `MEDIA_UPLOAD_FAILED`), or Retry when the stranger's
    server may give it later.
    """
    if description.get("storageKey"):
        return dict(description)
    url = str(description.get("url") or "")
    media = await _known(units, scope, url)
    if media is None:
        kept = await _fetched(ports, scope, description, url, field, alive)
        async with units.begin(scope) as uow:
            media = await keep(uow, kept)
    _check_kind(description, media, field)
    found = {name: value for name, value in describe(media).items() if name not in ("altText", "filename")}
    return {**description, **found}


async def _known(units: UnitsOfWork, scope: Scope, url: str) -> Media | None:
    lately = units.clock.now() - _USED_AGAIN
    query = select(Media).where(
        Media.workspace_id == scope.workspace_id, Media.source_url == url, Media.created_at > lately
    )
    async with units.begin(scope) as uow:
        return await uow.session.scalar(query.order_by(Media.id).limit(1))


async def _fetched(
    ports: Ports, scope: Scope, description: Mapping[str, Any], url: str, field: str, alive: Alive | None
) -> Kept:
    intake = ports.get(Intake)
    if scope.workspace_id is None:
        raise LookupError("media belong to a workspace")
    try:
        async with intake.fetcher.fetch(url, max_bytes=MAX_FETCHED_BYTES, seconds=_SECONDS) as answer:
            return await take_in(
                intake,
                scope.workspace_id,
                answer.chunks(),
                mime_types=FETCHED_TYPES,
                max_bytes=MAX_FETCHED_BYTES,
                filename=description.get("filename"),
                source_url=url,
                alive=alive,
            )
    except Unavailable as error:
        raise ProviderFailed(f"{field} cannot be fetched now: {error.message}", remedy=Retry()) from error
    except (Invalid, NotFound, TooLarge) as error:
        log.info("a medium was refused", field=field, reason=error.message)
        code = error.code if error.code == "UNSUPPORTED_MEDIA_TYPE" else "MEDIA_UPLOAD_FAILED"
        raise ProviderFailed(
            f"{field} cannot be fetched: {error.message}", remedy=Rejected(code, f"{field}.url")
        ) from error


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
