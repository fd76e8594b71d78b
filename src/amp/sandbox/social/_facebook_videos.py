"""Facebook: films in the feed, by one request, in three phases, or from a file that was uploaded before
("Resumable Upload API")."""

from collections.abc import Mapping
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amp.sandbox.faults import Step
from amp.sandbox.formats import Format, recognise
from amp.sandbox.pulling import Found
from amp.sandbox.skimming import skimmed, synopsis
from amp.sandbox.social._facebook_films import LARGEST, judge, judge_parts, open_film, release, take, what_is_wrong
from amp.sandbox.social._facebook_people import check_page
from amp.sandbox.social._facebook_posts import check_account, check_message, check_not_scheduled
from amp.sandbox.social._meta_errors import failure, gone, invalid
from amp.sandbox.social._meta_fetching import bringing
from amp.sandbox.social._meta_graph import Parameters, parameters, parameters_read, random_id
from amp.sandbox.uploads import Upload, Verdict, add_skimmed, complete, find_upload, list_parts, note, open_upload
from amp.sandbox.vendor import Call, Refused
from amp.sandbox.wire import MEGABYTE

MAX_BODY = 64 * MEGABYTE
MAX_UPLOAD = LARGEST

_CHUNK = 4 * MEGABYTE
_FILE_LIFETIME = timedelta(hours=24)
_TYPES = {"video/mp4", "video/quicktime", "image/jpeg", "image/png", "application/pdf"}

bring = bringing(file_url=LARGEST)


def step_of_videos(request: Request) -> Step:
    given = parameters_read(request)
    if given.text("upload_phase").lower() in ("start", "transfer", "cancel"):
        return Step.PLAIN
    return Step.PROCESS if given.text("published").lower() in ("false", "0") else Step.RELEASE


async def videos(call: Call) -> Response:
    check_page(call)
    given = parameters(call)
    check_not_scheduled(given)
    check_message(given.text("description"))
    match given.choice("upload_phase", ("START", "TRANSFER", "FINISH", "CANCEL", ""), ""):
        case "START":
            return await _start(call, given)
        case "TRANSFER":
            return await _transfer(call, given)
        case "FINISH":
            return await _finish(call, given)
        case "CANCEL":
            return JSONResponse({"success": True})
        case _:
            return await _at_once(call, given)


async def open_file(call: Call) -> Response:
    """An upload session of the app's: any file, to be used later."""
    given = parameters(call)
    length, media_type = given.number("file_length"), given.required("file_type")
    if not length or media_type not in _TYPES:
        raise invalid("Params file_length and file_type must name a file that can be uploaded")
    opened = await open_upload(
        call,
        f"MTphd{random_id('', 24)}",
        kind="file",
        media_type=media_type,
        declared_bytes=length,
        lifetime=_FILE_LIFETIME,
        extra={"received": 0},
    )
    return JSONResponse({"id": f"upload:{opened.remote_id}"})


async def put_file(call: Call) -> Response:
    opened = await _file(call)
    offset = call.request.headers.get("file_offset", "")
    if not offset.isdecimal() or int(offset) != opened.extra["received"]:
        raise invalid(f"The header file_offset must be {opened.extra['received']}")
    if call.skim is None or not call.skim.size or opened.is_complete:
        raise invalid("Nothing was sent, or the file is complete")
    await add_skimmed(call, opened, len(await list_parts(call, opened)), call.skim)
    opened = await note(call, opened, received=opened.extra["received"] + call.skim.size)
    if opened.extra["received"] < (opened.declared_bytes or 0):
        return JSONResponse({"id": f"upload:{opened.remote_id}", "file_offset": opened.extra["received"]})
    parts = await list_parts(call, opened)
    found = recognise(synopsis([part.head for part in parts]))
    await complete(call, opened, Verdict(size=opened.extra["received"], format=found))
    return JSONResponse({"h": f"4::{opened.remote_id}"})


async def show_file(call: Call) -> Response:
    opened = await _file(call)
    return JSONResponse({"id": f"upload:{opened.remote_id}", "file_offset": opened.extra["received"]})


async def _at_once(call: Call, given: Parameters) -> Response:
    size, found = await _whole(call, given)
    wrong = what_is_wrong("video", size, found)
    if wrong:
        raise _refused(wrong)
    check_account(call)
    opened = await open_film(call, "video", size, title=given.text("title"))
    film = await judge(call, opened, size, found)
    if given.flag("published", default=True):
        await release(call, film, given.text("description"), "video")
    return JSONResponse({"id": film.remote_id})


async def _whole(call: Call, given: Parameters) -> tuple[int, Format | None]:
    """Size and format of a film that comes in one piece, whichever way."""
    brought: Mapping[str, Found] = call.brought or {}
    if given.text("fbuploader_video_file_chunk"):
        handle = given.text("fbuploader_video_file_chunk").removeprefix("4::")
        file = await find_upload(call, handle)
        if file is None or not file.is_complete:
            raise failure(1363020, "(#1363020) The upload session does not exist or has expired")
        return file.declared_bytes or 0, Format(file.media_type, file.width, file.height, file.seconds)
    if "source" in given.files:
        return len(given.files["source"]), recognise(given.files["source"])
    if "file_url" not in brought:
        raise failure(1363021, "(#1363021) No file was sent: give file_url or source")
    found = brought["file_url"]
    if found.problem == "unreachable":
        raise failure(389, "(#389) Unable to fetch video file from URL.", text=f"{found.url} cannot be fetched")
    return found.size, found.format


async def _start(call: Call, given: Parameters) -> Response:
    size = given.number("file_size")
    if not size:
        raise invalid("The parameter file_size is required")
    if size > LARGEST:
        raise _refused("1363023 The video file you tried to upload is too big. The maximum size is 2 GB.")
    film = await open_film(call, "video", size)
    return JSONResponse({"upload_session_id": _session(film.remote_id), "video_id": film.remote_id, **_offsets(film)})


async def _transfer(call: Call, given: Parameters) -> Response:
    film = await _in_session(call, given)
    chunk = given.files.get("video_file_chunk", b"")
    if given.number("start_offset") != film.extra["received"]:
        raise failure(1363037, "(#1363037) The start offset is not where the upload stands", data=_offsets(film))
    if not chunk or film.extra["received"] + len(chunk) > (film.declared_bytes or 0):
        raise failure(1363031, "(#1363031) The chunk is empty or longer than what is left of the file")
    return JSONResponse(_offsets(await take(call, film, skimmed(chunk))))


async def _finish(call: Call, given: Parameters) -> Response:
    film = await _in_session(call, given)
    if film.extra["received"] != film.declared_bytes:
        raise failure(1363033, "(#1363033) The transfer is not complete", data=_offsets(film))
    check_account(call)
    parts = await list_parts(call, film)
    found = recognise(synopsis([part.head for part in parts]))
    wrong = what_is_wrong("video", film.extra["received"], found)
    if wrong:
        raise _refused(wrong)
    film = await judge_parts(call, film)
    film = await note(call, film, title=given.text("title"))
    if given.flag("published", default=True):
        await release(call, film, given.text("description"), "video")
    return JSONResponse({"success": True})


async def _in_session(call: Call, given: Parameters) -> Upload:
    """A session ends with its upload."""
    film = await find_upload(call, _session(given.required("upload_session_id")), lock=True)
    if film is None or film.is_complete or call.now >= film.expires_at:
        raise failure(1363020, "(#1363020) The upload session does not exist or has expired")
    return film


async def _file(call: Call) -> Upload:
    remote_id = call.request.path_params["file"]
    found = await find_upload(call, remote_id, lock=True)
    if found is None or found.kind != "file" or call.now >= found.expires_at:
        raise gone(f"upload:{remote_id}", call.request.method.lower())
    return found


def _session(remote_id: str) -> str:
    """Another number than the film's, each to be had from the other."""
    return remote_id[::-1]


def _offsets(film: Upload) -> dict[str, str]:
    received = film.extra["received"]
    return {"start_offset": str(received), "end_offset": str(min(received + _CHUNK, film.declared_bytes or 0))}


def _refused(wrong: str) -> Refused:
    code, _, text = wrong.partition(" ")
    return failure(int(code), f"(#{code}) {text}", title="Video Upload Failed", text=text)
