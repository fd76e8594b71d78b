"""TikTok: what comes of a post once its media are there: judged by their bytes, worked on, moderated, told by status.

PROCESSING_UPLOAD or PROCESSING_DOWNLOAD --> PUBLISH_COMPLETE   (its id follows when moderation has seen it)
                                         --> SEND_TO_USER_INBOX
                                         --> FAILED, with a reason
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from starlette.responses import Response

from amp.sandbox.faults import Fault
from amp.sandbox.formats import Format
from amp.sandbox.ledger import Draft, make_public
from amp.sandbox.pulling import Found
from amp.sandbox.snowflakes import UNIX_EPOCH, Snowflakes
from amp.sandbox.social._tiktok_requests import Mode
from amp.sandbox.social._tiktok_wire import Closed, answered, failure, need, parse
from amp.sandbox.tables import uploads
from amp.sandbox.uploads import Upload, Verdict, add_part, complete, find_upload, list_parts, note, open_upload
from amp.sandbox.vendor import Call
from amp.sandbox.wire import MEGABYTE

LONGEST_SECONDS = 600

_IDS = Snowflakes(UNIX_EPOCH)
_DAY = timedelta(days=1)
_MODERATION = timedelta(seconds=15)  # usually within a minute, says TikTok; sometimes hours
_BYTES_PER_SECOND = 20 * MEGABYTE
_FILMS = {"video/mp4", "video/quicktime", "video/webm"}
_PICTURES = {"image/jpeg", "image/webp"}
_SIDES = range(360, 4097)
_PICTURE_FRAME = (1080, 1920)
_KEPT_PICTURES = 8 * MEGABYTE
_ORDERED = {
    Fault.PROCESSING_FAILED: "internal",
    Fault.DUPLICATE: "spam_risk_text",  # TikTok knows no duplicates, but repeated texts are spam
    Fault.QUOTA_EXHAUSTED: "spam_risk_too_many_posts",
    Fault.ACCOUNT_ACTION: "spam_risk_user_banned_from_posting",
}


class _Fetch(Closed):
    publish_id: str


async def status(call: Call) -> Response:
    """Where a post is; the misspelling of its public id is TikTok's."""
    wanted = parse(call, _Fetch)
    need(call, "video.upload" if "video.publish" not in call.scopes else "video.publish")
    found = await find_upload(call, wanted.publish_id)
    if found is None or "mode" not in found.extra:
        raise await _unknown(call, wanted.publish_id)
    data: dict[str, Any] = {"status": _status(found, call), "publicaly_available_post_id": _public_ids(found, call)}
    if data["status"] == "FAILED":
        data["fail_reason"] = found.failure
    if found.extra["source"] == "FILE_UPLOAD":
        data["uploaded_bytes"] = sum(part.size for part in await list_parts(call, found))
    else:
        data["downloaded_bytes"] = found.declared_bytes or 0
    return answered(data)


async def finish_video(call: Call, opened: Upload, found: Found) -> None:
    """Of a video that was pulled."""
    reason = None if found.problem is None else "video_pull_failed"
    await settle_video(call, opened, found.size, found.format, reason)


async def settle_video(call: Call, opened: Upload, size: int, film: Format | None, reason: str | None = None) -> None:
    reason = reason or _objection_to_film(film)
    works = timedelta(seconds=3 + size // _BYTES_PER_SECOND)
    done = await _settle(call, opened, Verdict(size=size, works=works, failure=reason, format=film))
    if done is not None:
        await _come_out(call, done, [done])


async def finish_photos(call: Call, opened: Upload, found: Sequence[Found]) -> None:
    reasons = [reason for reason in map(_objection_to_picture, found) if reason]
    size = sum(picture.size for picture in found)
    works = timedelta(seconds=2 + len(found))
    verdict = Verdict(size=size, works=works, failure=reasons[0] if reasons else None)
    done = await _settle(call, opened, verdict)
    if done is not None:
        await _come_out(call, done, await _keep_pictures(call, done, found))


async def count_lately(call: Call, mode: Mode) -> int:
    """How many posts the account has brought to an end in the last 24 hours, or shares to the inbox."""
    query = select(func.count()).where(*_made_lately(call, mode), uploads.c.account == call.account.remote_id)
    return (await call.connection.execute(query)).scalar_one()


async def accounts_posting_lately(call: Call) -> set[str]:
    query = select(uploads.c.account).where(*_made_lately(call, "DIRECT_POST")).distinct()
    return set((await call.connection.execute(query)).scalars())


def _made_lately(call: Call, mode: Mode) -> tuple[Any, ...]:
    return (
        uploads.c.owner == call.account.owner,
        uploads.c.vendor == call.account.vendor,
        uploads.c.extra["mode"].astext == mode,
        uploads.c.is_complete,
        uploads.c.failure.is_(None),
        uploads.c.created_at > call.now - _DAY,
    )


async def _settle(call: Call, opened: Upload, verdict: Verdict) -> Upload | None:
    """The upload as it will go out, if it will."""
    works, reason = verdict.works, verdict.failure
    if call.misfortune:
        reason = _ORDERED.get(call.misfortune.fault, reason)
    if call.misfortune and call.misfortune.fault is Fault.PROCESSING_SLOW:
        works += timedelta(seconds=call.misfortune.seconds)
    done = await complete(call, opened, Verdict(verdict.size, works=works, failure=reason, format=verdict.format))
    return done if reason is None and opened.extra["mode"] == "DIRECT_POST" else None


async def _come_out(call: Call, done: Upload, media: Sequence[Upload]) -> None:
    """Only public posts ever have a public id; for the others the publish id has to do."""
    post, out = done.extra["post"], done.ready_at or call.now
    is_public = post["privacy_level"] == "PUBLIC_TO_EVERYONE"
    moderated = out + _MODERATION
    if is_public:
        done = await note(call, done, post_id=str(_IDS.make(out)), moderated_at=moderated.isoformat())
    text = "\n".join(part for part in (post["title"], post.get("description")) if part)
    facts = {"title": post["title"], "privacy": post["privacy_level"], "seconds": done.seconds}
    draft = Draft(
        remote_id=done.extra.get("post_id", done.remote_id),
        kind=done.kind,
        text=text,
        shown_text=text,
        same_as=done.remote_id,
        media=[medium.described() for medium in media],
        extra={**facts, "public_from": moderated.isoformat() if is_public else None},
        created_at=out,
    )
    await make_public(call, draft)


async def _keep_pictures(call: Call, done: Upload, found: Sequence[Found]) -> list[Upload]:
    """Each picture as a medium of its own, with its bytes for the feed as long as there is room."""
    room, kept = _KEPT_PICTURES, list[Upload]()
    for number, picture in enumerate(found):
        name = f"{done.remote_id}.{number}"
        kind = picture.format.media_type if picture.format else ""
        opened = await open_upload(
            call, name, kind="photo", media_type=kind, declared_bytes=picture.size, lifetime=timedelta()
        )
        room -= picture.size
        await add_part(call, opened, 0, picture.content, keep=room >= 0)
        kept.append(await complete(call, opened, Verdict(size=picture.size, format=picture.format)))
    return kept


def _objection_to_film(film: Format | None) -> str | None:
    if film is None or film.media_type not in _FILMS:
        return "file_format_check_failed"
    if film.seconds is not None and film.seconds > LONGEST_SECONDS:
        return "duration_check_failed"
    if film.width and film.height and not (film.width in _SIDES and film.height in _SIDES):
        return "picture_size_check_failed"
    return None


def _objection_to_picture(picture: Found) -> str | None:
    """At most 1080p, however it is turned."""
    if picture.problem == "unreachable":
        return "photo_pull_failed"
    if picture.problem == "too large":
        return "picture_size_check_failed"
    if picture.format is None or picture.format.media_type not in _PICTURES:
        return "file_format_check_failed"
    sides = sorted((picture.format.width or 0, picture.format.height or 0))
    return "picture_size_check_failed" if sides[0] > _PICTURE_FRAME[0] or sides[1] > _PICTURE_FRAME[1] else None


def _status(found: Upload, call: Call) -> str:
    match found.state(call.now):
        case "ready":
            return "PUBLISH_COMPLETE" if found.extra["mode"] == "DIRECT_POST" else "SEND_TO_USER_INBOX"
        case "failed":
            return "FAILED"
        case _:
            return "PROCESSING_UPLOAD" if found.extra["source"] == "FILE_UPLOAD" else "PROCESSING_DOWNLOAD"


def _public_ids(found: Upload, call: Call) -> list[int]:
    moderated_at = found.extra.get("moderated_at")
    return [int(found.extra["post_id"])] if moderated_at and moderated_at <= call.now.isoformat() else []


async def _unknown(call: Call, publish_id: str) -> Exception:
    query = select(uploads.c.account).where(
        uploads.c.owner == call.account.owner,
        uploads.c.vendor == call.account.vendor,
        uploads.c.remote_id == publish_id,
    )
    if (await call.connection.execute(query)).one_or_none() is not None:
        code = "token_not_authorized_for_specified_publish_id"
        return failure(403, code, "The access token does not have authorization for the specified publish_id.")
    return failure(400, "invalid_publish_id", "The publish_id does not exist.")
