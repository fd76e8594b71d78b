"""Threads: containers. What is wrong with a text, a link or a picture is said at once, what is wrong with a film shows
in the container's `error_message`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amp.sandbox.faults import Step
from amp.sandbox.ledger import find_post
from amp.sandbox.pulling import Found
from amp.sandbox.social import _meta_containers as containers
from amp.sandbox.social import _threads_text as text_rules
from amp.sandbox.social._meta_containers import Plan
from amp.sandbox.social._meta_errors import failure, invalid
from amp.sandbox.social._meta_fetching import bringing
from amp.sandbox.social._meta_fields import asked, select
from amp.sandbox.social._meta_graph import Parameters, check_is_caller, parameters, parameters_read, random_id
from amp.sandbox.social._threads_posts import check_account, publish_now
from amp.sandbox.uploads import Upload
from amp.sandbox.vendor import Call, Refused
from amp.sandbox.wire import MEGABYTE

_LARGEST_IMAGE = 8 * MEGABYTE
_LARGEST_VIDEO = 1024 * MEGABYTE
_LONGEST_TEXT = 500
_LONGEST_VIDEO = 5 * 60
_MOST_LINKS = 5
_MOST_ASPECT = 10
_MOST_CHILDREN = 20
_REPLY_CONTROLS = ("everyone", "accounts_you_follow", "mentioned_only", "parent_post_author_only", "followers_only")
_LINK = re.compile(r"https?://[^/\s]+\S*", re.IGNORECASE)
_TOPIC_TAG = re.compile(r"[^.&]{1,50}")
_IMAGES = {"image/jpeg", "image/png"}
_NOT_FETCHED = "Media download has failed. The media URI doesn't meet our requirements."

bring = bringing(image_url=_LARGEST_IMAGE, video_url=_LARGEST_VIDEO)


def step_of_create(request: Request) -> Step:
    """With `auto_publish_text` the container is public at once."""
    return Step.COMMIT if parameters_read(request).text("auto_publish_text").lower() == "true" else Step.PROCESS


async def create(call: Call) -> Response:
    check_is_caller(call)
    given = parameters(call)
    params = await _params(call, given)
    plan = await _plan(call, given, params)
    auto = given.flag("auto_publish_text")
    if auto and plan.kind != "text":
        raise invalid("Param auto_publish_text is for media_type TEXT only")
    if auto:
        await check_account(call, is_reply=params["reply_to_id"] is not None)
    made = await containers.make(call, random_id("180", 17), plan, broken_by_order="UNKNOWN")
    return JSONResponse({"id": (await publish_now(call, made)).remote_id if auto else made.remote_id})


def shown(call: Call, container: Upload) -> dict[str, Any]:
    status = containers.status_of(call, container)
    values = {
        "id": container.remote_id,
        "status": status,
        "error_message": container.failure if status == "ERROR" else None,
    }
    return select(asked(call, "id,status,error_message"), values, "ThreadsMediaContainer")


async def _params(call: Call, given: Parameters) -> dict[str, Any]:
    """What all kinds have: a text, and what it answers."""
    text = given.text("text")
    if text_rules.length(text) > _LONGEST_TEXT:
        raise invalid(f"Param text must be at most {_LONGEST_TEXT} characters long.")
    attachment = given.text("link_attachment")
    if len({*text_rules.links(text), *filter(None, [attachment])}) > _MOST_LINKS:
        raise invalid("THREADS_API__LINK_LIMIT_EXCEEDED: a post has at most 5 different links", 4279058)
    for name in ("reply_to_id", "quote_post_id"):
        if given.text(name) and await find_post(call, given.text(name)) is None:
            raise _not_found(given.text(name))
    control, tag = given.text("reply_control") or "everyone", given.text("topic_tag")
    if control not in _REPLY_CONTROLS:
        raise invalid(f"Param reply_control must be one of {{{', '.join(_REPLY_CONTROLS)}}}")
    if tag and not _TOPIC_TAG.fullmatch(tag):
        raise invalid("Param topic_tag must have 1 to 50 characters, without periods and ampersands")
    return {
        "text": text,
        "reply_to_id": given.text("reply_to_id") or None,
        "quote_post_id": given.text("quote_post_id") or None,
        "reply_control": control,
        "topic_tag": tag or None,
        "link_attachment": attachment or None,
        "poll": _poll(given),
    }


def _poll(given: Parameters) -> list[str] | None:
    poll = given.members("poll_attachment")
    options = [str(poll[name]) for name in ("option_a", "option_b", "option_c", "option_d") if poll.get(name)]
    if poll and (len(options) < 2 or any(len(option) > 25 for option in options)):
        raise invalid("Param poll_attachment must have 2 to 4 options of at most 25 characters")
    return options or None


async def _plan(call: Call, given: Parameters, params: Mapping[str, Any]) -> Plan:
    kind = given.choice("media_type", ("TEXT", "IMAGE", "VIDEO", "CAROUSEL"), "")
    if kind != "TEXT" and (params["link_attachment"] or params["poll"]):
        raise invalid("Params link_attachment and poll_attachment are for media_type TEXT only")
    is_child, alt_text = given.flag("is_carousel_item"), given.text("alt_text")
    match kind:
        case "TEXT":
            _check_text(params)
            return Plan("text", params)
        case "IMAGE":
            found = _brought(call, "image_url")
            _check_image(found)
            return Plan("image", params, found, is_child=is_child, alt_text=alt_text)
        case "VIDEO":
            found = _brought(call, "video_url")
            return Plan("video", params, found, is_child=is_child, alt_text=alt_text, failure=_what_is_wrong(found))
        case _:
            return Plan("carousel", params, children=await _children(call, given))


def _check_text(params: Mapping[str, Any]) -> None:
    if not params["text"].strip():
        raise invalid("The parameter text is required")
    link = params["link_attachment"]
    if link and not _LINK.fullmatch(link):
        raise invalid("Param link_attachment must be a valid URL")


def _brought(call: Call, name: str) -> Found:
    found: Mapping[str, Found] = call.brought or {}
    if name not in found:
        raise invalid(f"The parameter {name} is required")
    return found[name]


def _check_image(found: Found) -> None:
    if found.problem == "too large":
        raise failure(36000, "(#36000) The image is too large to download. It should be less than 8 MiB.", 2207004)
    if found.problem == "unreachable" or not found.is_picture or found.format is None:
        message = f"The media could not be fetched from this URI: {found.url}"
        raise failure(9004, message, 2207052, title=_NOT_FETCHED, text=message)
    width, height = found.format.width or 0, found.format.height or 0
    if found.format.media_type not in _IMAGES or not width or not height:
        raise failure(36001, "(#36001) The image format is not supported. Supported are JPEG and PNG.", 2207005)
    if max(width, height) > _MOST_ASPECT * min(width, height):
        raise failure(36003, "(#36003) The aspect ratio must be within 10:1.", 2207009)


def _what_is_wrong(found: Found) -> str | None:
    """What the work on a film will end in."""
    if found.problem:
        return "FAILED_DOWNLOADING_VIDEO"
    if not found.is_film or found.format is None or found.format.width is None:
        return "FAILED_PROCESSING_VIDEO"
    return None if (found.format.seconds or 0) <= _LONGEST_VIDEO else "INVALID_DURATION"


async def _children(call: Call, given: Parameters) -> Sequence[str]:
    children = [str(child) for child in given.listed("children")]
    if not 2 <= len(children) <= _MOST_CHILDREN:
        raise invalid(f"Param children must have 2 to {_MOST_CHILDREN} entries")
    for child in children:
        found = await containers.find(call, child)
        if found is None or not found.extra["is_child"]:
            raise _not_found(child)
        if containers.status_of(call, found) != "FINISHED":
            raise failure(24, f"(#24) The carousel item {child} is not ready", 4279009)
    return children


def _not_found(remote_id: str) -> Refused:
    return failure(24, f"(#24) The requested resource does not exist: {remote_id}", 4279009, title="Media Not Found")
