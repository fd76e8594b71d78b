"""YouTube: videos that are there: made of an upload, shown, changed, deleted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from starlette.responses import JSONResponse, Response

from amp.sandbox.audience import Reactions, reactions
from amp.sandbox.faults import Fault, standing
from amp.sandbox.formats import recognise
from amp.sandbox.ledger import Draft, Post, amend, find_posts, make_public, reword, seen, withdraw
from amp.sandbox.skimming import synopsis
from amp.sandbox.social._google_errors import error
from amp.sandbox.social._youtube_resources import PARTS, Snippet, Status, read_video, shown, status_at
from amp.sandbox.social._youtube_wire import listed, not_found, parts
from amp.sandbox.tables import uploads
from amp.sandbox.uploads import Upload, Verdict, complete, find_uploads, note
from amp.sandbox.vendor import Call
from amp.sandbox.wire import MEGABYTE

_BYTES_PER_SECOND = 20 * MEGABYTE
_LONGEST = timedelta(hours=12)
_MOST_IDS = 50
_ORDERED = {Fault.PROCESSING_FAILED: "failed:conversion", Fault.DUPLICATE: "rejected:duplicate"}


async def make_video(call: Call, opened: Upload, size: int, heads: Sequence[bytes]) -> Upload:
    """All bytes are there. A video that will fail or be rejected is never seen by anybody but its owner; what an
    unverified project uploads is locked as private."""
    if await standing(call.connection, call.account, Fault.UNREVIEWED_APP):
        status = opened.extra["status"] | {"privacyStatus": "private", "publishAt": None}
        opened = await note(call, opened, status=status)
    opened = await note(call, opened, made_at=call.now.isoformat())
    verdict = _judged(call, size, synopsis(heads))
    done = await complete(call, opened, verdict)
    if verdict.failure is None:
        await make_public(call, _draft(done))
    return done


async def present(call: Call, upload: Upload) -> Response:
    """The finished resource, as the end of an upload shows it."""
    return JSONResponse(await _shown(call, [upload], ["id", *upload.extra["parts"]], one=True))


async def list_videos(call: Call) -> Response:
    wanted = parts(call, PARTS)
    ids = [video_id for value in call.request.query_params.getlist("id") for video_id in value.split(",") if video_id]
    if not ids:
        raise error(400, "youtube.parameter", "missingRequiredParameter", "No filter selected. Expected one of: id")
    if len(ids) > _MOST_IDS:
        raise error(400, "youtube.parameter", "invalidParameter", f"At most {_MOST_IDS} ids may be given.")
    return listed("videoListResponse", await _shown(call, await _found(call, ids), wanted))


async def batch_stats(call: Call) -> Response:
    """The newer way to the same numbers."""
    ids = call.request.query_params.getlist("id")[:_MOST_IDS]
    items = await _shown(call, await _found(call, ids), parts(call, {"id", "snippet", "statistics", "contentDetails"}))
    return JSONResponse({"kind": "youtube#batchGetStatsResponse", "items": items})


async def update(call: Call) -> Response:
    """Every member of the parts that are named is set; one that is absent goes back to nothing."""
    named = parts(call, PARTS)
    video = read_video(call.body, named)
    found = await own_video(call, video.id or "")
    facts: dict[str, Any] = {}
    if "snippet" in named:
        facts["snippet"] = (video.snippet or Snippet(title="")).model_dump(by_alias=True)
    if "status" in named:
        facts["status"] = (video.status or Status()).model_dump(by_alias=True)
    changed = await note(call, found, **facts)
    post = (await find_posts(call, [found.remote_id])).get(found.remote_id)
    if post is not None:
        draft = _draft(changed)
        await reword(call, post.remote_id, text=draft.text, shown_text=draft.text, same_as=draft.same_as)
        await amend(call, post, **(draft.extra or {}))
    return JSONResponse(await _shown(call, [changed], ["id", *named], one=True))


async def delete(call: Call) -> Response:
    found = await own_video(call, call.request.query_params.get("id", ""))
    await note(call, found, deleted=True)
    await withdraw(call, found.remote_id)
    return Response(status_code=204)


async def own_video(call: Call, video_id: str) -> Upload:
    """Errors: Refused: 404 for what is not there, 403 for somebody else's."""
    found = await _found(call, [video_id])
    if found:
        return found[0]
    if await _is_anybodys(call, video_id):
        raise error(403, "youtube.video", "forbidden", "The video does not belong to the channel.")
    raise not_found("video")


async def own_videos(call: Call) -> list[Upload]:
    """All of the channel's, private and failed ones too, newest first."""
    query = select(uploads.c.remote_id).where(
        uploads.c.owner == call.account.owner,
        uploads.c.vendor == call.account.vendor,
        uploads.c.account == call.account.remote_id,
        uploads.c.kind == "video",
        uploads.c.is_complete,
    )
    ids = list((await call.connection.execute(query)).scalars())
    found = await _found(call, ids)
    return sorted(found, key=lambda video: video.extra["made_at"], reverse=True)


def is_public(upload: Upload, now: datetime) -> bool:
    status = status_at(upload, now)
    return status["privacyStatus"] == "public" and status["uploadStatus"] in ("uploaded", "processed")


async def _found(call: Call, ids: Sequence[str]) -> list[Upload]:
    found = await find_uploads(call, ids)
    return [
        found[video_id]
        for video_id in dict.fromkeys(ids)
        if video_id in found and found[video_id].is_complete and not found[video_id].extra.get("deleted")
    ]


async def _is_anybodys(call: Call, video_id: str) -> bool:
    query = select(uploads.c.remote_id).where(
        uploads.c.owner == call.account.owner,
        uploads.c.vendor == call.account.vendor,
        uploads.c.remote_id == video_id,
        uploads.c.account != call.account.remote_id,
        uploads.c.is_complete,
    )
    return (await call.connection.execute(query)).one_or_none() is not None


async def _shown(call: Call, found: Sequence[Upload], wanted: list[str], *, one: bool = False) -> Any:
    posts = await find_posts(call, [video.remote_id for video in found]) if "statistics" in wanted else {}
    channel = {"id": call.account.remote_id, "title": call.account.name}
    items = [shown(video, wanted, channel, _earned(posts.get(video.remote_id), call), call.now) for video in found]
    return items[0] if one else items


def _earned(post: Post | None, call: Call) -> Reactions:
    return reactions(seen(post), call.now) if post else Reactions()


def _judged(call: Call, size: int, beginning: bytes) -> Verdict:
    found = recognise(beginning)
    failure = None
    if not size:
        failure = "failed:emptyFile"
    elif found is None or not found.media_type.startswith("video/"):
        failure = "failed:invalidFile"
    elif found.seconds and found.seconds > _LONGEST.total_seconds():
        failure = "rejected:length"
    works = timedelta(seconds=4 + size // _BYTES_PER_SECOND)
    if call.misfortune:
        failure = _ORDERED.get(call.misfortune.fault, failure)
    if call.misfortune and call.misfortune.fault is Fault.PROCESSING_SLOW:
        works += timedelta(seconds=call.misfortune.seconds)
    return Verdict(size=size, works=works, failure=failure, format=found)


def _draft(video: Upload) -> Draft:
    """Others see it when it is public, and a scheduled one from its hour on."""
    snippet, status = video.extra["snippet"], video.extra["status"]
    text = "\n".join(part for part in (snippet["title"], snippet["description"]) if part)
    public_from = video.extra["made_at"] if status["privacyStatus"] == "public" else status["publishAt"]
    if public_from:
        public_from = datetime.fromisoformat(public_from).isoformat()
    return Draft(
        remote_id=video.remote_id,
        kind="video",
        text=text,
        shown_text=text,
        same_as=video.remote_id,
        media=[replace(video, alt_text=None).described()],
        extra={"privacy": status["privacyStatus"], "public_from": public_from},
    )
