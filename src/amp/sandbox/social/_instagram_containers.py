"""Instagram: containers ("Content Publishing"): what is wrong with a picture or a text is said at once, what is wrong
with a film shows in the container's status."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from amp.sandbox.pulling import Found
from amp.sandbox.social import _meta_containers as containers
from amp.sandbox.social._instagram_account import check_own
from amp.sandbox.social._instagram_errors import publishing_error
from amp.sandbox.social._meta_containers import Plan
from amp.sandbox.social._meta_errors import invalid
from amp.sandbox.social._meta_fetching import bringing
from amp.sandbox.social._meta_fields import asked, select
from amp.sandbox.social._meta_graph import Parameters, parameters, random_id
from amp.sandbox.uploads import Upload
from amp.sandbox.vendor import Call
from amp.sandbox.wire import MEGABYTE

_LARGEST_IMAGE = 8 * MEGABYTE
_LARGEST_REEL = 300 * MEGABYTE
_LARGEST_STORY = 100 * MEGABYTE
_LONGEST_REEL = 15 * 60
_LONGEST_STORY = 60
_SHORTEST = 3
_MOST_COLUMNS = 1920
_LONGEST_CAPTION = 2200
_NARROWEST, _WIDEST = 4 / 5, 1.91
_TOLERANCE = 0.01

_HASHTAG = re.compile(r"(?<!\w)#\w+")
_MENTION = re.compile(r"(?<![\w.])@[\w.]+")
_TEXTS = {
    "IN_PROGRESS": "In Progress: Media is still being processed.",
    "FINISHED": "Finished: Media has been uploaded and it is ready to be published.",
    "EXPIRED": "Expired: The container was not published within 24 hours.",
    "PUBLISHED": "Published: Media has been successfully published.",
}

bring = bringing(image_url=_LARGEST_IMAGE, cover_url=_LARGEST_IMAGE, video_url=_LARGEST_REEL)


async def create(call: Call) -> Response:
    check_own(call)
    given = parameters(call)
    _check_caption(given.text("caption"))
    plan = await _plan(call, given)
    made = await containers.make(call, random_id("178", 17), plan, broken_by_order="2207082")
    return JSONResponse({"id": made.remote_id})


def shown(call: Call, container: Upload) -> dict[str, Any]:
    status = containers.status_of(call, container)
    error = f"Error: Media upload has failed with error code {container.failure}"
    values = {
        "id": container.remote_id,
        "status_code": status,
        "status": error if status == "ERROR" else _TEXTS[status],
        "copyright_check_status": {"status": "completed", "matches_found": False},
        "video_status": None,
    }
    return select(asked(call), values, "IGContainer")


async def _plan(call: Call, given: Parameters) -> Plan:
    params = _params(given)
    match given.text("media_type").upper():
        case "CAROUSEL":
            return Plan("carousel", params, children=await _children(call, given))
        case "REELS":
            return _film(call, given, params, "video_url")
        case "STORIES":
            return _story(call, given, params)
        case "" | "IMAGE":
            return _image(call, given, params)
        case "VIDEO" if given.flag("is_carousel_item"):
            return _film(call, given, params, "video_url")
        case "VIDEO":
            raise invalid("The VIDEO value for media_type is no longer supported. Use the REELS media type", 2207067)
        case _:
            raise publishing_error(2207023)


def _params(given: Parameters) -> dict[str, Any]:
    collaborators = given.listed("collaborators")
    if len(collaborators) > 3:
        raise invalid("Param collaborators must have at most 3 entries")
    if given.text("upload_type") not in ("", "resumable"):
        raise invalid("Param upload_type must be one of {RESUMABLE}")
    if given.text("upload_type"):
        raise invalid("Resumable uploads need Facebook Login; give video_url")
    return {
        "caption": given.text("caption"),
        "media_type": given.text("media_type").upper() or "IMAGE",
        "share_to_feed": given.flag("share_to_feed", default=True),
        "collaborators": collaborators,
    }


def _check_caption(caption: str) -> None:
    if len(caption) > _LONGEST_CAPTION:
        raise publishing_error(2207010)
    if len(_HASHTAG.findall(caption)) > 30 or len(_MENTION.findall(caption)) > 20:
        raise publishing_error(2207040)


def _brought(call: Call) -> Mapping[str, Found]:
    return call.brought or {}


def _image(call: Call, given: Parameters, params: Mapping[str, Any]) -> Plan:
    found = _brought(call).get("image_url")
    if found is None:
        raise invalid("The parameter image_url is required")
    _check_image(found, is_story=False)
    return Plan("image", params, found, is_child=given.flag("is_carousel_item"), alt_text=given.text("alt_text"))


def _check_image(found: Found, *, is_story: bool) -> None:
    if found.problem == "too large":
        raise publishing_error(2207004)
    if found.problem == "unreachable" or found.format is None:
        raise publishing_error(2207052, f" {found.url}")
    if found.format.media_type != "image/jpeg":
        raise publishing_error(2207005)
    width, height = found.format.width, found.format.height
    if not width or not height:
        raise publishing_error(2207005)
    if not is_story and not _NARROWEST - _TOLERANCE <= width / height <= _WIDEST + _TOLERANCE:
        raise publishing_error(2207009)


def _story(call: Call, given: Parameters, params: Mapping[str, Any]) -> Plan:
    found = _brought(call).get("image_url")
    if found is None:
        return _film(call, given, params, "video_url")
    _check_image(found, is_story=True)
    return Plan("image", {**params, "caption": ""}, found)


def _film(call: Call, given: Parameters, params: Mapping[str, Any], name: str) -> Plan:
    """A film is fetched when all else is right, so what is wrong with it shows only in the status."""
    found = _brought(call).get(name)
    if found is None:
        raise invalid(f"The parameter {name} is required")
    cover = _brought(call).get("cover_url")
    if cover is not None:
        _check_image(cover, is_story=True)
    offset, seconds = given.number("thumb_offset"), found.format.seconds if found.format else None
    if offset is not None and seconds is not None and offset > seconds * 1000:
        raise publishing_error(2207057)
    is_story = params["media_type"] == "STORIES"
    params = {**params, "caption": "" if is_story else params["caption"]}
    failure = _what_is_wrong(found, is_story=is_story)
    return Plan("video", params, found, is_child=given.flag("is_carousel_item"), failure=failure)


def _what_is_wrong(found: Found, *, is_story: bool) -> str | None:
    """The subcode that the work on a film will end in."""
    if found.problem == "unreachable":
        return "2207052"
    film = found.format
    largest, longest = (_LARGEST_STORY, _LONGEST_STORY) if is_story else (_LARGEST_REEL, _LONGEST_REEL)
    if not found.is_film or film is None or film.width is None or found.size > largest:
        return "2207026"
    if film.width > _MOST_COLUMNS or (film.seconds is not None and not _SHORTEST <= film.seconds <= longest):
        return "2207026"
    return None


async def _children(call: Call, given: Parameters) -> Sequence[str]:
    """2 to 10 finished containers that were made as items of a carousel."""
    children = [str(child) for child in given.listed("children")]
    if not 2 <= len(children) <= 10:
        raise publishing_error(2207028)
    for child in children:
        found = await containers.find(call, child)
        if found is None:
            raise publishing_error(2207006)
        if not found.extra["is_child"]:
            raise publishing_error(2207028)
        status = containers.status_of(call, found)
        if status == "EXPIRED":
            raise publishing_error(2207020)
        if status != "FINISHED":
            raise publishing_error(2207027)
    return children
