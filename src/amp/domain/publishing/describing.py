"""Media of a post: what its author says of them, what we know ourselves, and what is kept of both.

A medium with one of our ids is a file of ours: what we found out about it counts, and a claim that differs is a
problem. Any other is an address, and all that is known of it is what its author says.
"""

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from amp.domain.media import operations as files
from amp.domain.platforms.port import Medium, Problem
from amp.domain.platforms.validation import VALIDATION_FAILED
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import Invalid, NotFound
from amp.kit.fetching import Fetcher
from amp.kit.ids import Kind, decode

MediaType = Literal["image", "video", "gif"]

_DEFAULT = {"image": "image/jpeg", "video": "video/mp4", "gif": "image/gif"}
_CLAIMS = ("mimeType", "sizeBytes", "width", "height", "durationSeconds")


@dataclass(frozen=True)
class WantedMedium:
    """As its author describes it. `type` None: a bare address (the old `mediaUrls`)."""

    url: str
    type: MediaType | None = None
    id: str | None = None
    filename: str | None = None
    mime_type: str | None = None
    size_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    alt_text: str | None = None
    thumbnail_url: str | None = None

    @property
    def kind(self) -> MediaType:
        """Its type, or what its address looks like."""
        if self.type:
            return self.type
        guess = self.guessed_mime_type or ""
        if guess == "image/gif":
            return "gif"
        return "video" if guess.startswith("video/") else "image"

    @property
    def guessed_mime_type(self) -> str | None:
        return mimetypes.guess_type(self.filename or _path(self.url))[0]

    @property
    def lacking(self) -> list[str]:
        """What a platform that wants media described misses."""
        needed = {"type": self.type, "mimeType": self.mime_type, "sizeBytes": self.size_bytes}
        return [name for name, value in needed.items() if value is None]

    def field(self, index: int, name: str = "") -> str:
        """What the caller knows it as. A bare address has no parts."""
        if self.type is None and self.id is None:
            return f"mediaUrls[{index}]"
        return f"media[{index}].{name}" if name else f"media[{index}]"

    def document(self) -> dict[str, Any]:
        """As the contract shows it."""
        return {
            **({"id": self.id} if self.id else {}),
            "type": self.kind,
            "url": self.url,
            "filename": self.filename,
            "mimeType": self.mime_type or self.guessed_mime_type or _DEFAULT[self.kind],
            "sizeBytes": self.size_bytes,
            "width": self.width,
            "height": self.height,
            "durationSeconds": self.seconds,
            "altText": self.alt_text,
            "thumbnailUrl": self.thumbnail_url,
        }


def wanted_medium(kept: Mapping[str, Any]) -> WantedMedium:
    """A medium as a post keeps it, to be described again."""
    return WantedMedium(
        url=kept.get("url") or "",
        type=kept.get("type"),
        id=kept.get("id"),
        filename=kept.get("filename"),
        mime_type=kept.get("mimeType"),
        size_bytes=kept.get("sizeBytes"),
        width=kept.get("width"),
        height=kept.get("height"),
        seconds=kept.get("durationSeconds"),
        alt_text=kept.get("altText"),
        thumbnail_url=kept.get("thumbnailUrl"),
    )


@dataclass(frozen=True)
class Described:
    """A medium of which is known what can be known now."""

    kept: Mapping[str, Any]
    """What the post and its deliveries keep of it."""
    wrong: tuple[tuple[str, str], ...] = ()
    """Fields, and what is wrong with them."""

    @property
    def known(self) -> Medium:
        kept = self.kept
        return Medium(
            mime_type=kept["mimeType"],
            size_bytes=kept.get("sizeBytes"),
            width=kept.get("width"),
            height=kept.get("height"),
            seconds=kept.get("durationSeconds"),
            alt_text=kept.get("altText"),
        )


async def described(uow: UnitOfWork, wanted: Sequence[WantedMedium], fetcher: Fetcher) -> list[Described]:
    return [await _ours(uow, medium, medium.id) if medium.id else _elsewhere(medium, fetcher) for medium in wanted]


def media_problems(wanted: Sequence[WantedMedium], media: Sequence[Described]) -> Iterator[Problem]:
    for index, (asked, medium) in enumerate(zip(wanted, media, strict=True)):
        for name, message in medium.wrong:
            yield Problem("", asked.field(index, name), VALIDATION_FAILED, message)


async def _ours(uow: UnitOfWork, wanted: WantedMedium, media_id: str) -> Described:
    try:
        file = await files.get_media(uow, decode(Kind.MEDIA, media_id, what="Media"))
    except NotFound:
        message = f"There is no medium '{media_id[:60]}'; leave the id out"
        return Described(wanted.document(), (("id", message),))
    kept = files.describe(file)
    if wanted.alt_text is not None:
        kept["altText"] = wanted.alt_text
    known = kept | {"type": _kind(kept["mimeType"])}
    wrong = tuple(
        (name, f"The file has {name} {known[name]}, not {claim}")
        for name, claim in _claims(wanted).items()
        if known.get(name) is not None and _differ(claim, known[name])
    )
    return Described(kept, wrong)


def _claims(wanted: WantedMedium) -> dict[str, Any]:
    values = (wanted.mime_type, wanted.size_bytes, wanted.width, wanted.height, wanted.seconds)
    claims = {name: value for name, value in zip(_CLAIMS, values, strict=True) if value is not None}
    return claims | ({"type": wanted.type} if wanted.type else {})


def _differ(claim: Any, known: Any) -> bool:
    """Durations are measured differently: a second more or less is the same."""
    if isinstance(known, float) and isinstance(claim, int | float):
        return abs(claim - known) > 1
    return claim != known


def _elsewhere(wanted: WantedMedium, fetcher: Fetcher) -> Described:
    document = wanted.document()
    return Described(document, tuple(_wrong(wanted, document, fetcher)))


def _wrong(wanted: WantedMedium, document: Mapping[str, Any], fetcher: Fetcher) -> Iterator[tuple[str, str]]:
    for name, url in (("url", wanted.url), ("thumbnailUrl", wanted.thumbnail_url)):
        refused = _refused(url, fetcher) if url is not None else None
        if refused:
            yield name, refused
    if _kind(document["mimeType"]) != wanted.kind:
        yield "mimeType", f"{document['mimeType']} is no {wanted.kind}"


def _refused(url: str, fetcher: Fetcher) -> str | None:
    """Why nobody will ever fetch it, as far as its spelling tells: a name is looked up when the bytes are needed."""
    if any(map(str.isspace, url)):
        return f"{url[:200]!r} is not an http(s) address"
    try:
        fetcher.check(url)
    except Invalid as error:
        return error.message
    return None


def _kind(mime_type: str) -> str:
    return Medium(mime_type).kind


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
