"""Containers, as Instagram and Threads share them: made, worked on, published once, or forgotten after a day.

IN_PROGRESS ──> FINISHED ── publish ──> PUBLISHED
     │              └── 24 h ──> EXPIRED
     └──> ERROR
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from amp.sandbox.faults import Fault
from amp.sandbox.pulling import Found
from amp.sandbox.uploads import Upload, Verdict, add_part, complete, describe, find_upload, find_uploads, open_upload
from amp.sandbox.vendor import Call
from amp.sandbox.wire import MEGABYTE

Status = Literal["IN_PROGRESS", "FINISHED", "ERROR", "EXPIRED", "PUBLISHED"]

LIFETIME = timedelta(hours=24)

_BYTES_PER_SECOND = 20 * MEGABYTE
_AT_ONCE = {"text": 1, "image": 2, "carousel": 2, "video": 5}
"""Seconds of work, besides what the size of a film adds."""


@dataclass(frozen=True)
class Plan:
    """What a container will hold. `failure` is what the work on it will end in."""

    kind: Literal["text", "image", "video", "carousel"]
    params: Mapping[str, Any]
    medium: Found | None = None
    children: Sequence[str] = ()
    is_child: bool = False
    alt_text: str = ""
    failure: str | None = None


async def make(call: Call, remote_id: str, plan: Plan, *, broken_by_order: str) -> Upload:
    medium, found = plan.medium, plan.medium.format if plan.medium else None
    opened = await open_upload(
        call,
        remote_id,
        kind=plan.kind,
        media_type=found.media_type if found else "",
        declared_bytes=medium.size if medium else None,
        lifetime=LIFETIME,
        extra={"params": dict(plan.params), "children": list(plan.children), "is_child": plan.is_child},
    )
    if medium is not None and medium.content:
        await add_part(call, opened, 0, medium.content, keep=True)
    if plan.alt_text:
        await describe(call, opened, plan.alt_text)
    size = medium.size if medium else 0
    works = timedelta(seconds=_AT_ONCE[plan.kind] + (size // _BYTES_PER_SECOND if plan.kind == "video" else 0))
    verdict = Verdict(size=size, works=works, failure=plan.failure, format=found)
    return await complete(call, opened, with_orders(call, verdict, broken_by_order))


def with_orders(call: Call, verdict: Verdict, failure: str) -> Verdict:
    """Processing that was ordered to fail, or to drag on."""
    misfortune = call.misfortune
    if misfortune and misfortune.fault is Fault.PROCESSING_FAILED:
        return Verdict(verdict.size, verdict.waits, verdict.works, failure, verdict.format)
    if misfortune and misfortune.fault is Fault.PROCESSING_SLOW:
        works = verdict.works + timedelta(seconds=misfortune.seconds)
        return Verdict(verdict.size, verdict.waits, works, verdict.failure, verdict.format)
    return verdict


def status_of(call: Call, container: Upload) -> Status:
    if container.extra.get("published"):
        return "PUBLISHED"
    if call.now >= container.expires_at:
        return "EXPIRED"
    match container.state(call.now):
        case "ready":
            return "FINISHED"
        case "failed":
            return "ERROR"
        case _:
            return "IN_PROGRESS"


async def find(call: Call, remote_id: str, *, lock: bool = False) -> Upload | None:
    """The caller's own container."""
    found = await find_upload(call, remote_id, lock=lock)
    return found if found and "params" in found.extra else None


async def described_media(call: Call, container: Upload, members: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """What the container shows, as it stands in the ledger: itself, or its children in their order."""
    children: Sequence[str] = container.extra["children"] if members is None else members
    if not children:
        return [] if container.kind == "text" else [container.described()]
    found = await find_uploads(call, children)
    return [found[child].described() for child in children]
