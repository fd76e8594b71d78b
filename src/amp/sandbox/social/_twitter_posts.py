"""X: making and deleting posts (contract 2.167): a closed body, the 280 rule, media that are ready, nothing twice."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.responses import JSONResponse, Response

from amp.sandbox.faults import Fault
from amp.sandbox.ledger import Draft, Post, find_post, find_posts, find_same, make_public, withdraw
from amp.sandbox.snowflakes import X_EPOCH, Snowflakes
from amp.sandbox.social import _twitter_problems as problems
from amp.sandbox.social._twitter_problems import at, invalid, not_found
from amp.sandbox.social._twitter_text import (
    MAX_WEIGHT,
    count_cashtags,
    mentions,
    short_link,
    shorten_links,
    weight,
)
from amp.sandbox.uploads import Upload, find_uploads
from amp.sandbox.vendor import Call, Refused
from amp.sandbox.wire import media_type

IDS = Snowflakes(X_EPOCH)

_DUPLICATE_WINDOW = timedelta(days=7)  # not published; long enough for any resend
_LONGEST_TEXT = 25_000
_LONGEST_FILM = timedelta(minutes=20)  # without a subscription; uploads end at the longest of anybody

Id = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,19}$")]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Media(_Closed):
    media_ids: list[Id] = Field(min_length=1, max_length=4)
    tagged_user_ids: list[Id] = Field(default=[], max_length=10)


class _Reply(_Closed):
    in_reply_to_tweet_id: Id
    exclude_reply_user_ids: list[Id] = []
    auto_populate_reply_metadata: bool = False


class _Poll(_Closed):
    options: list[Annotated[str, StringConstraints(min_length=1, max_length=25)]] = Field(min_length=2, max_length=4)
    duration_minutes: int = Field(ge=5, le=10080)
    reply_settings: Literal["following", "mentionedUsers", "subscribers", "verified"] | None = None


class _Geo(_Closed):
    place_id: str


class _EditOptions(_Closed):
    previous_post_id: Id


class NewPost(_Closed):
    """The body of `POST /2/tweets`: these members and no others."""

    text: str = ""
    media: _Media | None = None
    reply: _Reply | None = None
    quote_tweet_id: Id | None = None
    poll: _Poll | None = None
    reply_settings: Literal["following", "mentionedUsers", "subscribers", "verified"] | None = None
    made_with_ai: bool | None = None
    paid_partnership: bool | None = None
    community_id: Id | None = None
    share_with_followers: bool | None = None
    edit_options: _EditOptions | None = None
    nullcast: bool | None = None
    for_super_followers_only: bool | None = None
    card_uri: str | None = None
    direct_message_deep_link: str | None = None
    geo: _Geo | None = None


_EXCLUSIVE = ("poll", "quote_tweet_id", "direct_message_deep_link", "media", "card_uri")


def parse(call: Call, model: type[BaseModel]) -> Any:
    """The body as `model`, or a 400 naming every member that is wrong."""
    if media_type(call.request) != "application/json":
        raise Refused(problems.problem(415, "Unsupported Media Type", "Content-Type must be application/json."))
    try:
        return model.model_validate_json(call.body)
    except ValidationError as error:
        raise invalid(*(_complaint(dict(entry)) for entry in error.errors())) from error


def _complaint(entry: Mapping[str, Any]) -> dict[str, Any]:
    path = ".".join(str(step) for step in entry["loc"]) or "$"
    if entry["type"] == "extra_forbidden":
        message = f"$.{path}: is not defined in the schema and the schema does not allow additional properties"
        return at(path, [str(entry["input"])], message)
    return at(path, [str(entry["input"])[:100]], f"$.{path}: {entry['msg']}")


async def create_post(call: Call) -> Response:
    _check_standing(call)
    wanted: NewPost = parse(call, NewPost)
    wanted = wanted.model_copy(update={"text": unicodedata.normalize("NFC", wanted.text)})
    _check_combination(wanted)
    parent = await _check_references(call, wanted)
    media = await _check_media(call, wanted.media.media_ids if wanted.media else [])
    _check_text(wanted.text)
    same_as = "\n".join([wanted.text.strip(), *(wanted.media.media_ids if wanted.media else [])])
    ordered = call.misfortune is not None and call.misfortune.fault is Fault.DUPLICATE
    if ordered or await find_same(call, same_as, _DUPLICATE_WINDOW):
        raise problems.forbidden(problems.DUPLICATE)
    post = await make_public(call, _draft(wanted, str(IDS.make(call.now)), same_as, parent, media))
    body = {"id": post.remote_id, "text": post.shown_text, "edit_history_post_ids": [post.remote_id]}
    return JSONResponse({"data": body}, 201)


async def delete_post(call: Call) -> Response:
    """404 for an unknown id, 403 for somebody else's post."""
    remote_id = call.request.path_params["id"]
    post = await find_post(call, remote_id)
    if post is None:
        body = {"errors": [not_found("id", remote_id)]}
        return JSONResponse(body, 404, media_type="application/problem+json")
    if post.account != call.account.remote_id:
        raise problems.forbidden("You are not authorized to delete this Tweet.")
    await withdraw(call, remote_id)
    return JSONResponse({"data": {"deleted": True}})


def _check_standing(call: Call) -> None:
    match call.misfortune.fault if call.misfortune else None:
        case Fault.QUOTA_EXHAUSTED:
            raise problems.usage_capped()
        case Fault.ACCOUNT_ACTION:
            raise Refused(problems.problem(402, "CreditsDepleted", problems.CREDITS_DEPLETED))
        case _:
            return


def _check_combination(wanted: NewPost) -> None:
    given = [name for name in _EXCLUSIVE if getattr(wanted, name) is not None]
    if len(given) > 1:
        raise invalid(*(at(name, [], f"Only one of {', '.join(_EXCLUSIVE)} may be given.") for name in given))
    if not wanted.text.strip() and not given:
        raise invalid(at("text", [wanted.text], "Your Tweet text is empty and there is nothing attached to it."))


async def _check_references(call: Call, wanted: NewPost) -> Post | None:
    """The post replied to. Replying to others needs their summons (self-serve rules of 2026); one's
    own threads do not."""
    parent_id = wanted.reply.in_reply_to_tweet_id if wanted.reply else None
    quoted_id = wanted.quote_tweet_id
    if not parent_id and not quoted_id:
        return None
    known = await find_posts(call, [post_id for post_id in (parent_id, quoted_id) if post_id])
    if parent_id and parent_id not in known:
        message = "The post you are replying to does not exist."
        raise invalid(at("reply.in_reply_to_tweet_id", [parent_id], message))
    if quoted_id and quoted_id not in known:
        raise invalid(at("quote_tweet_id", [quoted_id], "The post you are quoting does not exist."))
    parent = known.get(parent_id or "")
    is_foreign = parent is not None and parent.account != call.account.remote_id
    if parent and is_foreign and call.account.handle.lower() not in mentions(parent.text):
        raise problems.forbidden(problems.NOT_PERMITTED)
    return parent


async def _check_media(call: Call, media_ids: Sequence[str]) -> list[Upload]:
    """All there, ours, processed, and of a mix that X shows: up to 4 photos, or 1 GIF, or 1 video."""
    if not media_ids:
        return []
    found = await find_uploads(call, media_ids)
    usable = {remote_id for remote_id, upload in found.items() if upload.is_usable(call.now)}
    unusable = [media_id for media_id in media_ids if media_id not in usable]
    if unusable:
        raise invalid(at("media.media_ids", unusable, "Your media IDs are invalid."))
    uploads = [found[media_id] for media_id in media_ids]
    if len(uploads) > 1 and any(upload.kind != "tweet_image" for upload in uploads):
        message = "A post takes up to 4 photos, or 1 animated GIF, or 1 video."
        raise invalid(at("media.media_ids", media_ids, message))
    if any((upload.seconds or 0) > _LONGEST_FILM.total_seconds() for upload in uploads):
        raise problems.forbidden(problems.TOO_LONG_A_FILM)
    return uploads


def _check_text(text: str) -> None:
    """Breaches of the rules for text come as the general 403 (as clients report)."""
    if len(text) > _LONGEST_TEXT or weight(text) > MAX_WEIGHT or count_cashtags(text) > 1:
        raise problems.forbidden(problems.NOT_PERMITTED)


def _draft(wanted: NewPost, remote_id: str, same_as: str, parent: Post | None, media: Sequence[Upload]) -> Draft:
    shown, links = shorten_links(wanted.text, remote_id)
    if media:
        shown = f"{shown} {short_link(f'{remote_id}/media')}".lstrip()
    extra: dict[str, Any] = {"links": links}
    if wanted.poll:
        extra["poll"] = wanted.poll.model_dump(exclude_none=True)
    if wanted.reply_settings:
        extra["reply_settings"] = wanted.reply_settings
    return Draft(
        remote_id=remote_id,
        kind="reply" if parent else "quote" if wanted.quote_tweet_id else "post",
        text=wanted.text,
        shown_text=shown,
        same_as=same_as,
        media=[upload.described() for upload in media],
        parent=parent.remote_id if parent else wanted.quote_tweet_id,
        conversation=parent.conversation if parent else None,
        extra=extra,
    )
