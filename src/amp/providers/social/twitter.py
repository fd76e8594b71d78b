"""X (Twitter): posts, threads, up to four images, a GIF or a video, over API v2 with OAuth 2 user tokens.

X has no idempotency key. What may have gone out is looked for in the account's own timeline, by text with the links
made equal (X rewrites them to t.co), inside the window of the delivery. A thread is a chain of replies; the id of
every part is saved at once, and a later attempt goes on after the last one.

Source: the OpenAPI document of the X API v2, 2.167, and its guide pages.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import httpx2

from amp.domain.connections.port import NewAccount
from amp.domain.platforms.port import Capabilities, MediaRule, OAuth, Quota, TextRule, Version
from amp.domain.platforms.text_length import weighted_length
from amp.domain.publishing.port import (
    Absent,
    Account,
    Delivery,
    Done,
    Login,
    Pending,
    Profile,
    Progress,
    Ready,
    Tokens,
    Unknowable,
)
from amp.kit.errors import ProviderFailed, Rejected, Retry, Unknown
from amp.kit.web import vendor_client
from amp.providers.discovery import SocialVendor
from amp.providers.social._calling import read, refreshed, send
from amp.providers.social._commenting import comment_is_lost, comment_notes, commented
from amp.providers.social._signing_in import Grant, code_form, login_url, opened_account, redeemed
from amp.providers.social._twitter_errors import failure
from amp.providers.social._twitter_media import LARGEST_FILM, Uploads
from amp.providers.social._twitter_post import LIMIT, TwitterSettings, comments_fit, first_comment, outgoing, post_body
from amp.providers.social._twitter_wire import Made, Me, Posts, Sought

LIVE_URL = "https://api.x.com"
_SKEW = timedelta(seconds=60)
_LISTING_PAGES = 5


CAPABILITIES = Capabilities(
    platform="twitter",
    name="X",
    text=TextRule(limit=LIMIT, count=weighted_length, unit="weighted characters"),
    text_only=True,
    images=MediaRule(
        max_count=4,
        mime_types=frozenset({"image/jpeg", "image/png", "image/webp"}),
        max_bytes=5_000_000,
        alt_text_limit=1000,
    ),
    video=MediaRule(
        max_count=1,
        mime_types=frozenset({"video/mp4", "video/quicktime"}),
        max_bytes=LARGEST_FILM,
        min_seconds=0.5,
        max_seconds=125 * 60,
        min_side=32,
        max_width=3840,
        max_height=3840,
        max_pixels=3840 * 2160,
        min_aspect=1 / 3,
        max_aspect=3,
    ),
    gif=MediaRule(
        max_count=1,
        mime_types=frozenset({"image/gif"}),
        max_bytes=15_000_000,
        max_width=1280,
        max_height=1080,
        alt_text_limit=1000,
    ),
    max_thread_parts=25,
    settings=TwitterSettings,
    own_rules=(comments_fit,),
    oauth=OAuth(
        authorize_url="https://x.com/i/oauth2/authorize",
        token_url=f"{LIVE_URL}/2/oauth2/token",
        scopes=("tweet.read", "tweet.write", "users.read", "media.write", "offline.access"),
        pkce=True,
    ),
    quotas=(Quota(posts=100, hours=0.25), Quota(posts=300, hours=3)),
    metrics=frozenset({"impressions", "likes", "comments", "shares", "saves", "clicks"}),
    versions=(Version("TWITTER_FIELDS", default="post", sunset=None),),
    caveats=(
        "X bills the operator's app for every post, and a multiple for one with a link.",
        "Videos over 20 minutes, and those larger than 1920 by 1200 pixels, are for accounts with X Premium; "
        "X refuses them from others when they are posted.",
    ),
)
"""TWITTER_FIELDS is `post` or `tweet`: what X calls posts in its parameters, which it is renaming.

Of videos, the most that X takes from anybody (Premium accounts): which tier an account has is X's to judge, and its
pages disagree (docs/vendors.md). What it refuses fails with its words; what it takes is never refused here."""


class Twitter:
    capabilities = CAPABILITIES
    visibility_delay = timedelta(seconds=20)
    refuses_duplicates = False
    """X refuses duplicates, yet does not name the first."""
    launch_notes = ()

    def __init__(self, base_url: str, *, client_id: str, client_secret: str, fields: str = "post") -> None:
        self._client = vendor_client(base_url)
        self._base_url = base_url
        self._fields = f"{fields}.fields"
        self._client_id = client_id
        self._client_secret = client_secret

    async def publish(self, delivery: Delivery, progress: Progress) -> Done | Pending:
        posted: list[str] = list(progress.state.get("parts", ()))
        media = [] if posted else await Uploads(self._client, delivery, progress).finished()
        if isinstance(media, Pending):
            return media
        while len(posted) < len(delivery.parts):
            part = outgoing(delivery, len(posted))
            await progress.intend(f"part {len(posted)}")
            response = await self._create(delivery, part.text, media if part.media else (), posted)
            if response.is_success:
                posted = [*posted, read(Made, response, commits=True).data.id]
                await progress.save(parts=posted)
            else:
                posted = await self._not_created(response, delivery, progress)
        comment = first_comment(delivery.settings)
        if comment:
            await commented(progress, lambda: self._comment(delivery, comment, posted))
        return _done(delivery.account, posted, progress)

    async def check(self, delivery: Delivery, progress: Progress) -> Done | Pending | Ready:
        return await self.publish(delivery, progress)

    async def finalize(self, delivery: Delivery, progress: Progress) -> Done:
        raise ProviderFailed("X has nothing to finalize: `check` goes on with the post", remedy=Retry())

    async def find(self, delivery: Delivery, progress: Progress) -> Done | Absent | Unknowable:
        posted: list[str] = list(progress.state.get("parts", ()))
        if len(posted) == len(delivery.parts):
            if first_comment(delivery.settings):
                await comment_is_lost(progress)
            return _done(delivery.account, posted, progress)
        sought = Sought(
            part=outgoing(delivery, len(posted)),
            thread=posted[0] if posted else None,
            known=frozenset(posted),
            media_keys=frozenset(progress.state.get("media_keys", ())),
        )
        token: str | None = None
        for _ in range(_LISTING_PAGES):
            page = await self._timeline(delivery, token)
            for post in filter(sought.is_it, page.data):
                await progress.save(parts=[*posted, post.id])
                return _done(delivery.account, [*posted, post.id], progress)
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
            raise failure(response)

    async def refresh(self, account: Account) -> Tokens:
        """X's refresh tokens work once: never call this twice at a time for one connection."""
        public = {} if self._client_secret else {"client_id": self._client_id}
        auth = (self._client_id, self._client_secret) if self._client_secret else None
        return await refreshed(self._client, "/2/oauth2/token", "X", public, account.refresh_token, auth=auth)

    async def profile(self, account: Account) -> Profile:
        fields = {"user.fields": "id,name,username,profile_image_url"}
        response = await send(self._client, "GET", "/2/users/me", token=account.access_token, params=fields)
        if not response.is_success:
            raise failure(response)
        me = read(Me, response).data
        return Profile(me.id, me.username, me.name, me.profile_image_url)

    def login_url(self, login: Login) -> str:
        return login_url(CAPABILITIES, LIVE_URL, self._base_url, self._client_id, login)

    async def accounts(self, code: str, login: Login) -> Sequence[NewAccount]:
        form = code_form(code, login, code_verifier=login.verifier)
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
        body = post_body(text, media, posted[-1] if posted else None, delivery.settings)
        token = delivery.account.access_token
        return await send(self._client, "POST", "/2/tweets", token=token, commits=True, json=body)

    async def _not_created(self, response: httpx2.Response, delivery: Delivery, progress: Progress) -> list[str]:
        """The ids of all parts, when the refusal proves that the part is public already; else raises."""
        error = failure(response, commits=True)
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

    async def _comment(self, delivery: Delivery, text: str, posted: Sequence[str]) -> None:
        response = await self._create(delivery, text, (), posted)
        if not response.is_success:
            raise failure(response, commits=True)

    async def _timeline(self, delivery: Delivery, token: str | None) -> Posts:
        query = {
            "max_results": "100",
            "start_time": _rfc3339(delivery.first_intent_at - _SKEW),
            "exclude": "retweets",
            self._fields: "created_at,text,attachments,conversation_id",
            **({"pagination_token": token} if token else {}),
        }
        account = delivery.account
        url = f"/2/users/{account.remote_id}/tweets"
        response = await send(self._client, "GET", url, token=account.access_token, params=query)
        if not response.is_success:
            raise failure(response)
        return read(Posts, response)

    async def _posts(self, account: Account, remote_ids: Sequence[str], fields: str) -> Posts:
        query = {"ids": ",".join(remote_ids), self._fields: f"created_at,{fields}"}
        response = await send(self._client, "GET", "/2/tweets", token=account.access_token, params=query)
        if not response.is_success:
            raise failure(response)
        return read(Posts, response)


def _done(account: Account, posted: Sequence[str], progress: Progress) -> Done:
    return Done(posted[0], f"https://x.com/{account.handle}/status/{posted[0]}", comment_notes(progress))


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


PLATFORM = SocialVendor(
    name="twitter",
    capabilities=CAPABILITIES,
    live_base_url=LIVE_URL,
    build=lambda base_url, _clock, credentials: Twitter(
        base_url,
        client_id=credentials.get("TWITTER_CLIENT_ID"),
        client_secret=credentials.get("TWITTER_CLIENT_SECRET"),
        fields=credentials.get("TWITTER_FIELDS", "post"),
    ),
)
