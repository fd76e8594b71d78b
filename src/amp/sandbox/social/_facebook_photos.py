"""Facebook: photos, published as posts, or kept back for a post or a story that will show them."""

from collections.abc import Mapping
from datetime import timedelta

from starlette.responses import JSONResponse, Response

from amp.sandbox.formats import recognise
from amp.sandbox.ledger import make_public
from amp.sandbox.pulling import Found
from amp.sandbox.social._facebook_people import check_page
from amp.sandbox.social._facebook_posts import check_account, check_message, check_not_scheduled, page_draft
from amp.sandbox.social._meta_errors import failure, invalid
from amp.sandbox.social._meta_fetching import bringing
from amp.sandbox.social._meta_graph import Parameters, parameters, random_id
from amp.sandbox.uploads import Upload, Verdict, add_part, complete, describe, find_upload, note, open_upload
from amp.sandbox.vendor import Call
from amp.sandbox.wire import MEGABYTE

MAX_BODY = 16 * MEGABYTE

_LARGEST = 10 * MEGABYTE  # the older pages say so; 4 MB stands in newer ones
_TYPES = {"image/jpeg", "image/png", "image/gif", "image/bmp", "image/tiff"}
_LIFETIME = timedelta(hours=24)
_KEPT = timedelta(days=36_500)
_WRONG_TYPE = "Photos should be less than 10 MB and saved as JPG, PNG, GIF, BMP or TIFF files."

bring = bringing(url=_LARGEST)


async def create_photo(call: Call) -> Response:
    check_page(call)
    given = parameters(call)
    check_not_scheduled(given)
    message = given.text("message") or given.text("caption")
    check_message(message)
    content = _content(call, given)
    is_published = given.flag("published", default=True)
    if is_published:
        check_account(call)
    photo = await _store(call, given, content)
    if not is_published:
        return JSONResponse({"id": photo.remote_id})
    post = await make_public(call, page_draft(call, message, photo.remote_id, [photo.described()], {}))
    await note(call, photo, post=post.remote_id, text=message)
    return JSONResponse({"id": photo.remote_id, "post_id": post.remote_id})


async def create_story(call: Call) -> Response:
    check_page(call)
    photo_id = parameters(call).required("photo_id")
    photo = await find_upload(call, photo_id, lock=True)
    if photo is None or photo.kind != "image" or photo.extra.get("post"):
        raise invalid(f"The photo {photo_id} does not exist or is published already")
    check_account(call)
    post = await make_public(call, page_draft(call, "", photo.remote_id, [photo.described()], {}, "story"))
    await note(call, photo, post=post.remote_id)
    return JSONResponse({"success": True, "post_id": post.remote_id})


def _content(call: Call, given: Parameters) -> bytes:
    """What was sent, or what is at the address that was given."""
    brought: Mapping[str, Found] = call.brought or {}
    found = brought.get("url")
    if "source" in given.files:
        return given.files["source"]
    if found is None:
        raise failure(324, "(#324) Requires upload file")
    if found.problem == "unreachable":
        raise failure(324, "(#324) Missing or invalid image file", 2069019, text=f"{found.url} cannot be fetched")
    if not found.is_picture:
        raise failure(1366046, f"(#1366046) {_WRONG_TYPE}")
    return found.content


async def _store(call: Call, given: Parameters, content: bytes) -> Upload:
    found = recognise(content)
    if found is None or found.media_type not in _TYPES or len(content) > _LARGEST:
        raise failure(1366046, f"(#1366046) {_WRONG_TYPE}", title="Can't Read Files", text=_WRONG_TYPE)
    opened = await open_upload(
        call,
        random_id("122", 18),
        kind="image",
        media_type=found.media_type,
        declared_bytes=len(content),
        lifetime=_LIFETIME if given.flag("temporary") else _KEPT,
    )
    await add_part(call, opened, 0, content, keep=True)
    if given.text("alt_text_custom"):
        await describe(call, opened, given.text("alt_text_custom"))
    done = await complete(call, opened, Verdict(size=len(content), format=found))
    return (await find_upload(call, done.remote_id)) or done
