"""X (Twitter): posts, threads and up to four images, over API v2 with OAuth 2 user tokens.

X has no idempotency key. What may have gone out is looked for in the account's own timeline, by text with the links
made equal (X rewrites them to t.co), inside the window of the delivery. A thread is a chain of replies; the id of
every part is saved at once, and a later attempt goes on after the last one.

Source: the OpenAPI document of the X API v2, 2.167, and its guide pages.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx2
from pydantic import SecretStr

from amp.domain.connections.port import NewAccount
from amp.domain.platforms.port import Capabilities, MediaRule, OAuth, Quota, Settings, TextRule
from amp.domain.platforms.text_length import weighted_length, with_link
from amp.domain.publishing.port import (
    Absent,
    Account,
    Delivery,
    Done,
    Login,
    MediaFile,
    Part,
    Pending,
    Profile,
    Progress,
    Ready,
    Tokens,
    Unknowable,
)
from amp.kit.clock import Clock
from amp.kit.errors import ProviderFailed, RateLimited, RefreshToken, Rejected, Retry, Unknown
from amp.kit.web import vendor_client
from amp.providers.discovery import SocialVendor
from amp.providers.social._calling import Row, content_of, failed, read, refreshed, remedy_of, send
from amp.providers.social._signing_in import Grant, login_url, opened_account, redeemed
from amp.providers.social._twitter_wire import Made, Me, Posts, Sought, limit, refusal

LIVE_URL = "https://api.x.com"
_SKEW = timedelta(seconds=60)
_LISTING_PAGES = 5


class TwitterSettings(Settings):
    reply_settings: Literal["following", "mentionedUsers", "subscribers", "verified"] | None = None
    """Who may reply; absent: everyone."""
    made_with_ai: bool | None = None
    paid_partnership: bool | None = None


CAPABILITIES = Capabilities(
    platform="twitter",
    name="X",
    text=TextRule(limit=280, count=weighted_length, unit="weighted characters"),
    text_only=True,
    images=MediaRule(
        max_count=4,
        mime_types=frozenset({"image/jpeg", "image/png", "image/webp"}),
        max_bytes=5_000_000,
        alt_text_limit=1000,
    ),
    max_thread_parts=25,
    settings=TwitterSettings,
    oauth=OAuth(
        authorize_url="https://x.com/i/oauth2/authorize",
        token_url=f"{LIVE_URL}/2/oauth2/token",
        scopes=("tweet.read", "tweet.write", "users.read", "media.write", "offline.access"),
        pkce=True,
    ),
    quotas=(Quota(posts=100, hours=0.25), Quota(posts=300, hours=3)),
    metrics=frozenset({"impressions", "likes", "comments", "shares", "saves", "clicks"}),
)

ERRORS = (
    Row(RefreshToken(), 401),
    Row(Rejected("CREDITS_DEPLETED"), 402),
    Row(Rejected("DUPLICATE", field="text"), 403, says="duplicate content"),
    Row(Rejected("INVALID_CONFIG"), 403, code="client-forbidden"),
    Row(Rejected("INVALID_CONFIG"), 403, code="unsupported-authentication"),
    Row(Rejected("PERMISSION_DENIED"), 403),
    Row(Rejected("POST_NOT_FOUND"), 404),
    Row(Rejected("UNSUPPORTED_MEDIA_CONFIG", field="media"), 400, code="media.media_ids"),
    Row(Rejected("UNSUPPORTED_MEDIA_CONFIG", field="media"), 400, says="media ids are invalid"),
    Row(Rejected("UNSUPPORTED_MEDIA_CONFIG", field="media"), 400, says="longer than 2 minutes"),
    Row(Rejected("VALIDATION_FAILED", field="text"), 400, says="invalid url"),
    Row(Rejected("VALIDATION_FAILED"), 400),
    Row(Rejected("UNSUPPORTED_MEDIA_CONFIG", field="media"), 413),
    Row(RateLimited(None, scope="app"), 429, code="usage-capped"),
    Row(RateLimited(None), 429),
)


class Twitter:
    capabilities = CAPABILITIES
    visibility_delay = timedelta(seconds=20)
    refuses_duplicates = False
    """X refuses duplicates, yet does not name the first."""
    launch_notes = ()

    def __init__(self, base_url: str, *, clock: Clock, client_id: str, client_secret: str) -> None:
        self._client = vendor_client(base_url)
        self._base_url = base_url
        self._clock = clock
        self._client_id = client_id
        self._client_secret = client_secret

    async def publish(self, delivery: Delivery, progress: Progress) -> Done:
        media = await self._uploaded(delivery, progress)
        posted: list[str] = list(progress.state.get("parts", ()))
        while len(posted) < len(delivery.parts):
            part = _outgoing(delivery, len(posted))
            await progress.intend(f"part {len(posted)}")
            response = await self._create(delivery, part.text, media if part.media else (), posted)
            if response.is_success:
                posted = [*posted, read(Made, response, commits=True).data.id]
                await progress.save(parts=posted)
            else:
                posted = await self._not_created(response, delivery, progress)
        return _done(delivery.account, posted)

    async def check(self, delivery: Delivery, progress: Progress) -> Done | Pending | Ready:
        return await self.publish(delivery, progress)

    async def finalize(self, delivery: Delivery, progress: Progress) -> Done:
        return await self.publish(delivery, progress)

    async def find(self, delivery: Delivery, progress: Progress) -> Done | Absent | Unknowable:
        posted: list[str] = list(progress.state.get("parts", ()))
        if len(posted) == len(delivery.parts):
            return _done(delivery.account, posted)
        sought = Sought(
            part=_outgoing(delivery, len(posted)),
            thread=posted[0] if posted else None,
            known=frozenset(posted),
            media_keys=frozenset(progress.state.get("media_keys", ())),
        )
        token: str | None = None
        for _ in range(_LISTING_PAGES):
            page = await self._timeline(delivery, token)
            for post in filter(sought.is_it, page.data):
                await progress.save(parts=[*posted, post.id])
                return _done(delivery.account, [*posted, post.id])
            token = page.meta.next_token
            if not token:
                return Absent()
        return Unknowable()  # hundreds of posts in so short a time: we did not see them all

    async def metrics(self, account: Account, remote_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        posts = await self._posts(account, remote_ids, "public_metrics,non_public_metrics")
        # Posts older than 30 days have no private numbers left; X then leaves them out with a complaint.
        if again := [remote_id for remote_id in remote_ids if remote_id in posts.hidden()]:
            posts.data += (await self._posts(account, again, "public_metrics")).data
        return {post.id: post.counters() for post in posts.data}

    async def delete(self, account: Account, remote_id: str) -> None:
        response = await send(self._client, "DELETE", f"/2/tweets/{remote_id}", token=account.access_token)
        if not response.is_success and response.status_code != 404:
            raise self._failed(response)

    async def refresh(self, account: Account) -> Tokens:
        """X's refresh tokens work once: never call this twice at a time for one connection."""
        public = {} if self._client_secret else {"client_id": self._client_id}
        auth = (self._client_id, self._client_secret) if self._client_secret else None
        return await refreshed(self._client, "/2/oauth2/token", "X", public, account.refresh_token, auth=auth)

    async def profile(self, account: Account) -> Profile:
        fields = {"user.fields": "id,name,username,profile_image_url"}
        response = await send(self._client, "GET", "/2/users/me", token=account.access_token, params=fields)
        if not response.is_success:
            raise self._failed(response)
        me = read(Me, response).data
        return Profile(me.id, me.username, me.name, me.profile_image_url)

    def login_url(self, login: Login) -> str:
        return login_url(CAPABILITIES, LIVE_URL, self._base_url, self._client_id, login)

    async def accounts(self, code: str, login: Login) -> Sequence[NewAccount]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": login.redirect_uri,
            "code_verifier": login.verifier,
        }
        client = (self._client_id, self._client_secret)
        grant = await redeemed(self._client, "/2/oauth2/token", Grant, form, auth=client)
        return [await opened_account("twitter", self.profile, grant)]

    async def disconnect(self, account: Account) -> None:
        """The refresh token ends the access tokens with it."""
        token = account.refresh_token or account.access_token
        client = (self._client_id, self._client_secret)
        await send(self._client, "POST", "/2/oauth2/revoke", data={"token": token.get_secret_value()}, auth=client)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _create(
        self, delivery: Delivery, text: str, media: Sequence[str], posted: Sequence[str]
    ) -> httpx2.Response:
        body: dict[str, Any] = {"text": text} if text else {}
        if media:
            body["media"] = {"media_ids": list(media)}
        if posted:
            body["reply"] = {"in_reply_to_tweet_id": posted[-1]}
        body |= _settings(delivery.settings, reply=bool(posted))
        return await send(
            self._client, "POST", "/2/tweets", token=delivery.account.access_token, commits=True, json=body
        )

    async def _not_created(self, response: httpx2.Response, delivery: Delivery, progress: Progress) -> list[str]:
        """The ids of all parts, when the refusal proves that the part is public already; else raises."""
        error = self._failed(response, commits=True)
        match error.remedy:
            case Rejected(code="DUPLICATE") if delivery.resending:
                if isinstance(await self.find(delivery, progress), Done):
                    return list(progress.state["parts"])
                # X says that our own text is public, but does not list it yet: to be looked for, not given up.
                raise ProviderFailed(error.message, remedy=Unknown(), status=error.status)
            case Rejected(code="UNSUPPORTED_MEDIA_CONFIG") if progress.state.get("media"):
                # Uploads expire after a day; what an earlier attempt uploaded may be gone by now.
                if not progress.state.get("uploaded_again"):
                    await progress.save(media=[], media_keys=[], uploaded_again=True)
                    raise ProviderFailed(error.message, remedy=Retry(), status=error.status)
            case _:
                pass
        raise error

    async def _uploaded(self, delivery: Delivery, progress: Progress) -> list[str]:
        """The ids of the uploaded images, in order; those of an earlier attempt are used again."""
        ids: list[str] = list(progress.state.get("media", ()))
        keys: list[str] = list(progress.state.get("media_keys", ()))
        files = delivery.parts[0].media if not progress.state.get("parts") else ()
        for file in files[len(ids) :]:
            upload = await self._upload(delivery.account.access_token, file)
            ids = [*ids, upload.id]
            keys = [*keys, *filter(None, [upload.media_key])]
            await progress.save(media=ids, media_keys=keys)
        return ids

    async def _upload(self, token: SecretStr, file: MediaFile) -> Made.Data:
        form = {"media_category": "tweet_image"}
        content = {"media": (file.media_id, await content_of(file), file.mime_type)}
        response = await send(self._client, "POST", "/2/media/upload", token=token, files=content, data=form)
        if not response.is_success:
            raise self._failed(response)
        upload = read(Made, response).data
        if file.alt_text:
            described = {"id": upload.id, "metadata": {"alt_text": {"text": file.alt_text}}}
            response = await send(self._client, "POST", "/2/media/metadata", token=token, json=described)
            if not response.is_success:
                raise self._failed(response)
        return upload

    async def _timeline(self, delivery: Delivery, token: str | None) -> Posts:
        query = {
            "max_results": "100",
            "start_time": _rfc3339(delivery.first_intent_at - _SKEW),
            "exclude": "retweets",
            "post.fields": "created_at,text,attachments,conversation_id",
            **({"pagination_token": token} if token else {}),
        }
        account = delivery.account
        url = f"/2/users/{account.remote_id}/tweets"
        response = await send(self._client, "GET", url, token=account.access_token, params=query)
        if not response.is_success:
            raise self._failed(response)
        return read(Posts, response)

    async def _posts(self, account: Account, remote_ids: Sequence[str], fields: str) -> Posts:
        query = {"ids": ",".join(remote_ids), "post.fields": f"created_at,{fields}"}
        response = await send(self._client, "GET", "/2/tweets", token=account.access_token, params=query)
        if not response.is_success:
            raise self._failed(response)
        return read(Posts, response)

    def _failed(self, response: httpx2.Response, *, commits: bool = False) -> ProviderFailed:
        refused = refusal(response)
        remedy = remedy_of(refused, ERRORS, commits=commits)
        if isinstance(remedy, RateLimited):
            remedy = limit(response.headers, remedy)
        return failed("X", refused, remedy)


def _outgoing(delivery: Delivery, index: int) -> Part:
    part = delivery.parts[index]
    return part if index else Part(with_link(part.text, delivery.link_url), part.media)


def _settings(settings: Settings, *, reply: bool) -> dict[str, Any]:
    """Who may reply is said once, by the first post; disclosures are said by every post."""
    hidden = {"reply_settings"} if reply else set[str]()
    return settings.model_dump(exclude_none=True, exclude=hidden)


def _done(account: Account, posted: Sequence[str]) -> Done:
    return Done(posted[0], f"https://x.com/{account.handle}/status/{posted[0]}")


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


PLATFORM = SocialVendor(
    name="twitter",
    capabilities=CAPABILITIES,
    live_base_url=LIVE_URL,
    build=lambda base_url, clock, credentials: Twitter(
        base_url,
        clock=clock,
        client_id=credentials.get("TWITTER_CLIENT_ID"),
        client_secret=credentials.get("TWITTER_CLIENT_SECRET"),
    ),
)
