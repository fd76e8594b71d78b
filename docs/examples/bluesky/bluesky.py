"""Bluesky: posts with text, a link card or images, and threads, over the AT Protocol of the account's own server.

The key of a record may be chosen by the client: it is, and saved before the record is put. So the same record can be
put again and again and is there once, and whether it is there can always be asked.

Source: the lexicons of the AT Protocol (`com.atproto.repo.*`, `com.atproto.server.*`, `app.bsky.feed.*`).
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from pydantic import BaseModel, SecretStr

from amp.domain.connections.port import NewAccount
from amp.domain.platforms.port import Capabilities, MediaRule, TextRule
from amp.domain.platforms.text_length import code_points, find_urls
from amp.domain.publishing.port import (
    Absent,
    Account,
    Delivery,
    Done,
    Login,
    MediaFile,
    Profile,
    Progress,
    Tokens,
)
from amp.kit.clock import Clock
from amp.kit.errors import Invalid, ProviderFailed, RateLimited, Reconnect, RefreshToken, Rejected
from amp.kit.web import vendor_client
from amp.providers.discovery import SocialVendor
from amp.providers.social._calling import Refusal, Row, content_of, failed, read, remedy_of, send

LIVE_URL = "https://bsky.social"
_POSTS = "app.bsky.feed.post"
_SORTABLE = "234567abcdefghijklmnopqrstuvwxyz"

CAPABILITIES = Capabilities(
    platform="bluesky",
    name="Bluesky",
    text=TextRule(limit=300, count=code_points),  # graphemes, of which there are never more than code points
    text_only=True,
    images=MediaRule(
        max_count=4,
        mime_types=frozenset({"image/jpeg", "image/png", "image/webp"}),
        max_bytes=1_000_000,
        alt_text_limit=2000,
    ),
    max_thread_parts=25,
    link_card=True,
    metrics=frozenset({"likes", "comments", "shares"}),
)

ERRORS = (
    Row(RefreshToken(), code="ExpiredToken"),
    Row(RefreshToken(), code="InvalidToken"),
    Row(RefreshToken(), 401),
    Row(Reconnect(), code="AccountTakedown"),
    Row(Reconnect(), code="AccountDeactivated"),
    Row(Rejected("ACCOUNT_ACTION_REQUIRED"), 403),
    Row(Rejected("DUPLICATE", field="text"), 400, says="duplicate"),
    Row(Rejected("MEDIA_UPLOAD_FAILED", field="media"), 413),
    Row(Rejected("VALIDATION_FAILED"), 400),
    Row(RateLimited(None), 429),
)


class Record(BaseModel):
    uri: str
    cid: str


class Problem(BaseModel):
    error: str = ""
    message: str = ""


class Session(BaseModel):
    accessJwt: str  # noqa: N815 (as it comes)
    refreshJwt: str  # noqa: N815


class Bluesky:
    capabilities = CAPABILITIES
    visibility_delay = timedelta(0)
    refuses_duplicates = False
    launch_notes = ()

    def __init__(self, base_url: str, *, clock: Clock) -> None:
        self._client = vendor_client(base_url)
        self._clock = clock

    async def publish(self, delivery: Delivery, progress: Progress) -> Done:
        keys = await self._keys(delivery, progress)
        blobs = await self._uploaded(delivery, progress)
        posted: list[dict[str, str]] = list(progress.state.get("posts", ()))
        while len(posted) < len(delivery.parts):
            record = _record(delivery, len(posted), posted, blobs)
            await progress.intend(f"part {len(posted)}")
            made = await self._put(delivery.account, keys[len(posted)], record)
            posted = [*posted, made.model_dump()]
            await progress.save(posts=posted)
        return _done(delivery.account, posted)

    async def check(self, delivery: Delivery, progress: Progress) -> Done:
        return await self.publish(delivery, progress)

    async def finalize(self, delivery: Delivery, progress: Progress) -> Done:
        return await self.publish(delivery, progress)

    async def find(self, delivery: Delivery, progress: Progress) -> Done | Absent:
        """Is there a record under the key that was chosen for it?"""
        posted: list[dict[str, str]] = list(progress.state.get("posts", ()))
        keys: list[str] = progress.state.get("keys", [])
        if len(posted) < len(delivery.parts) and keys:
            found = await self._get(delivery.account, keys[len(posted)])
            if found is None:
                return Absent()
            posted = [*posted, found.model_dump()]
            await progress.save(posts=posted)
        return _done(delivery.account, posted) if posted else Absent()

    async def metrics(self, account: Account, remote_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        counters: dict[str, Mapping[str, int]] = {}
        for start in range(0, len(remote_ids), 25):
            query = [("uris", uri) for uri in remote_ids[start : start + 25]]
            answer = await self._call("GET", "app.bsky.feed.getPosts", account.access_token, params=query)
            counters |= {post["uri"]: _counters(post) for post in answer.json()["posts"]}
        return counters

    async def delete(self, account: Account, remote_id: str) -> None:
        body = {"repo": account.remote_id, "collection": _POSTS, "rkey": remote_id.rpartition("/")[2]}
        await self._call("POST", "com.atproto.repo.deleteRecord", account.access_token, json=body)

    async def refresh(self, account: Account) -> Tokens:
        if account.refresh_token is None:
            raise ProviderFailed("Bluesky gave no refresh token", remedy=Reconnect())
        try:
            answer = await self._call("POST", "com.atproto.server.refreshSession", account.refresh_token)
        except ProviderFailed as error:
            remedy = Reconnect() if isinstance(error.remedy, RefreshToken) else error.remedy
            raise ProviderFailed(error.message, remedy=remedy, status=error.status) from error
        session = read(Session, answer)
        return Tokens(SecretStr(session.accessJwt), SecretStr(session.refreshJwt), timedelta(hours=2))

    async def profile(self, account: Account) -> Profile:
        query = {"actor": account.remote_id}
        told = (await self._call("GET", "app.bsky.actor.getProfile", account.access_token, params=query)).json()
        return Profile(told["did"], told["handle"], told.get("displayName") or told["handle"], told.get("avatar"))

    def login_url(self, login: Login) -> str:
        raise Invalid("Accounts of Bluesky are connected by an app password, not on a page", code="INVALID_CONFIG")

    async def accounts(self, code: str, login: Login) -> Sequence[NewAccount]:
        return []

    async def disconnect(self, account: Account) -> None:
        if account.refresh_token:
            await self._call("POST", "com.atproto.server.deleteSession", account.refresh_token)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _keys(self, delivery: Delivery, progress: Progress) -> list[str]:
        """The keys of all parts, chosen once."""
        if "keys" not in progress.state:
            await progress.save(keys=[_key(self._clock.now(), index) for index in range(len(delivery.parts))])
        return list(progress.state["keys"])

    async def _uploaded(self, delivery: Delivery, progress: Progress) -> list[dict[str, Any]]:
        blobs: list[dict[str, Any]] = list(progress.state.get("blobs", ()))
        for file in delivery.parts[0].media[len(blobs) :]:
            blobs = [*blobs, await self._upload(delivery.account, file)]
            await progress.save(blobs=blobs)
        return blobs

    async def _upload(self, account: Account, file: MediaFile) -> dict[str, Any]:
        sent, kind = await content_of(file), {"Content-Type": file.mime_type}
        answer = await self._call(
            "POST", "com.atproto.repo.uploadBlob", account.access_token, headers=kind, content=sent
        )
        return {"alt": file.alt_text or "", "image": answer.json()["blob"]}

    async def _put(self, account: Account, key: str, record: dict[str, Any]) -> Record:
        body = {"repo": account.remote_id, "collection": _POSTS, "rkey": key, "record": record}
        token = account.access_token
        answer = await self._call("POST", "com.atproto.repo.putRecord", token, commits=True, json=body)
        return read(Record, answer, commits=True)

    async def _get(self, account: Account, key: str) -> Record | None:
        query = {"repo": account.remote_id, "collection": _POSTS, "rkey": key}
        path = "/xrpc/com.atproto.repo.getRecord"
        answer = await send(self._client, "GET", path, token=account.access_token, params=query)
        if not answer.is_success and "RecordNotFound" in _refusal(answer).codes:
            return None
        return read(Record, _good(answer))

    async def _call(
        self, method: str, name: str, token: SecretStr, *, commits: bool = False, **request: Any
    ) -> httpx2.Response:
        response = await send(self._client, method, f"/xrpc/{name}", token=token, commits=commits, **request)
        return _good(response, commits=commits)


def _good(response: httpx2.Response, *, commits: bool = False) -> httpx2.Response:
    if response.is_success:
        return response
    refused = _refusal(response)
    remedy = remedy_of(refused, ERRORS, commits=commits)
    if isinstance(remedy, RateLimited):
        reset = response.headers.get("ratelimit-reset", "")
        remedy = RateLimited(datetime.fromtimestamp(int(reset), UTC) if reset.isdigit() else None)
    raise failed("Bluesky", refused, remedy)


def _refusal(response: httpx2.Response) -> Refusal:
    try:
        problem = Problem.model_validate_json(response.content)
    except ValueError:
        return Refusal(response.status_code, frozenset(), response.reason_phrase, readable=False)
    return Refusal(response.status_code, frozenset({problem.error}), problem.message)


def _record(
    delivery: Delivery, index: int, posted: Sequence[Mapping[str, str]], blobs: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The same delivery gives the same record, its time included."""
    text = delivery.parts[index].text
    record: dict[str, Any] = {
        "$type": _POSTS,
        "text": text,
        "createdAt": delivery.first_intent_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "facets": [_link(text, start, end) for start, end in find_urls(text)],
    }
    if posted:
        record["reply"] = {"root": posted[0], "parent": posted[-1]}
    elif blobs:
        record["embed"] = {"$type": "app.bsky.embed.images", "images": list(blobs)}
    elif delivery.link_url:
        card = {"uri": delivery.link_url, "title": delivery.link_url, "description": ""}
        record["embed"] = {"$type": "app.bsky.embed.external", "external": card}
    return record


def _link(text: str, start: int, end: int) -> dict[str, Any]:
    """Links are told apart from the text, by positions in its UTF-8 bytes."""
    first = len(text[:start].encode())
    uri = text[start:end]
    return {
        "index": {"byteStart": first, "byteEnd": first + len(uri.encode())},
        "features": [{"$type": "app.bsky.richtext.facet#link", "uri": uri}],
    }


def _key(now: datetime, index: int) -> str:
    """A timestamp identifier: 53 bits of microseconds and 10 of chance, in an alphabet that sorts."""
    number = (int(now.timestamp() * 1_000_000) + index) << 10 | secrets.randbelow(1024)
    return "".join(_SORTABLE[number >> shift & 31] for shift in range(60, -1, -5))


def _counters(post: Mapping[str, Any]) -> dict[str, int]:
    shares = int(post.get("repostCount", 0)) + int(post.get("quoteCount", 0))
    return {"likes": int(post.get("likeCount", 0)), "comments": int(post.get("replyCount", 0)), "shares": shares}


def _done(account: Account, posted: Sequence[Mapping[str, str]]) -> Done:
    uri = posted[0]["uri"]
    return Done(uri, f"https://bsky.app/profile/{account.handle}/post/{uri.rpartition('/')[2]}")


PLATFORM = SocialVendor(
    name="bluesky",
    capabilities=CAPABILITIES,
    live_base_url=LIVE_URL,
    build=lambda base_url, clock, credentials: Bluesky(base_url, clock=clock),
)
