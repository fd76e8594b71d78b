"""LinkedIn: posts of a member with text, images or a link card, over the versioned REST API.

A member's posts cannot be listed with the scopes that members may give, so nothing can be looked up after a lost
answer. But LinkedIn refuses an identical post and names the first: sending it once more is the proof.

Source: LinkedIn's API documentation on learn.microsoft.com and its own Python client.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from urllib.parse import quote, unquote

import httpx2

from amp.domain.connections.port import NewAccount
from amp.domain.platforms.port import Capabilities, Draft, MediaRule, OAuth, Problem, Quota, Settings, TextRule
from amp.domain.platforms.text_length import code_points
from amp.domain.publishing.port import (
    Account,
    Delivery,
    Done,
    Login,
    MediaFile,
    Pending,
    Profile,
    Progress,
    Ready,
    Tokens,
    Unknowable,
)
from amp.kit.clock import Clock
from amp.kit.errors import ProviderFailed, RateLimited, Reconnect, RefreshToken, Rejected, Retry, Unknown
from amp.kit.web import vendor_client
from amp.providers.discovery import SocialVendor
from amp.providers.social._calling import Row, failed, read, refreshed, remedy_of, send
from amp.providers.social._linkedin_post import LinkedInSettings, author_of, post_body
from amp.providers.social._linkedin_wire import Counts, UploadTarget, UserInfo, refusal
from amp.providers.social._signing_in import Grant, login_url, opened_account, redeemed

LIVE_URL = "https://api.linkedin.com"
OAUTH_URL = "https://www.linkedin.com"
ANALYTICS_SCOPE = "r_member_postAnalytics"
_JUST_UPLOADED = Retry(after=timedelta(seconds=10))


def _cards_need_links(draft: Draft, settings: Settings) -> Iterator[Problem]:
    assert isinstance(settings, LinkedInSettings)  # noqa: S101 (what `capabilities.settings` makes)
    for field, value in (
        ("articleTitle", settings.article_title),
        ("articleDescription", settings.article_description),
    ):
        if value and not draft.link:
            yield Problem("linkedin", f"settings.{field}", "VALIDATION_FAILED", f"{field} needs a linkUrl")


CAPABILITIES = Capabilities(
    platform="linkedin",
    name="LinkedIn",
    text=TextRule(limit=3000, count=code_points),
    text_only=True,
    images=MediaRule(
        max_count=20,
        mime_types=frozenset({"image/jpeg", "image/png"}),
        max_bytes=200_000_000,
        max_pixels=36_152_319,
    ),
    link_card=True,
    settings=LinkedInSettings,
    own_rules=(_cards_need_links,),
    oauth=OAuth(
        authorize_url=f"{OAUTH_URL}/oauth/v2/authorization",
        token_url=f"{OAUTH_URL}/oauth/v2/accessToken",
        scopes=("openid", "profile", "email", "w_member_social"),
        pkce=False,
        scopes_by_approval=(ANALYTICS_SCOPE,),
    ),
    quotas=(Quota(posts=150, hours=24),),
    metrics=frozenset({"impressions", "reach", "likes", "comments", "shares", "saves", "clicks", "followers_gained"}),
)

_QUERIES = {
    "impressions": "IMPRESSION",
    "reach": "MEMBERS_REACHED",
    "likes": "REACTION",
    "comments": "COMMENT",
    "shares": "RESHARE",
    "saves": "POST_SAVE",
    "clicks": "LINK_CLICKS",
    "followers_gained": "FOLLOWER_GAINED_FROM_CONTENT",
}

ERRORS = (
    Row(_JUST_UPLOADED, says="unable to obtain activity"),
    Row(_JUST_UPLOADED, says="resource is forbidden"),
    Row(Reconnect(), 401, code="REVOKED_ACCESS_TOKEN"),
    Row(Reconnect(), 401, code="65601"),
    Row(Reconnect(), 401, code="EMPTY_ACCESS_TOKEN"),
    Row(Reconnect(), 401, code="INVALID_ACCESS_TOKEN"),
    Row(RefreshToken(), 401, code="EXPIRED_ACCESS_TOKEN"),
    Row(RefreshToken(), 401),
    Row(Rejected("PERMISSION_DENIED"), 403),
    Row(Rejected("POST_NOT_FOUND"), 404),
    Row(Retry(), 409),
    Row(Rejected("INVALID_CONFIG"), 400, code="VERSION_MISSING"),
    Row(Rejected("CONTENT_TOO_LONG", field="text"), 400, code="FIELD_LENGTH_TOO_LONG"),
    Row(Rejected("VALIDATION_FAILED"), 400),
    Row(Rejected("DUPLICATE", field="text"), 422, says="duplicate of"),
    Row(Rejected("VALIDATION_FAILED"), 422),
    Row(Rejected("INVALID_CONFIG"), 426),
    Row(RateLimited(None), 429),
)


class LinkedIn:
    capabilities = CAPABILITIES
    visibility_delay = timedelta(seconds=30)
    refuses_duplicates = True
    launch_notes = ()

    def __init__(self, base_url: str, *, clock: Clock, version: str, client_id: str, client_secret: str) -> None:
        self._client = vendor_client(
            base_url, headers={"LinkedIn-Version": version, "X-Restli-Protocol-Version": "2.0.0"}
        )
        # Live, people log in on another host than the API's; elsewhere both are under the one base.
        self._oauth_url = OAUTH_URL if base_url == LIVE_URL else base_url
        self._base_url = base_url
        self._clock = clock
        self._client_id = client_id
        self._client_secret = client_secret

    async def publish(self, delivery: Delivery, progress: Progress) -> Done:
        if "post" not in progress.state:
            images = await self._uploaded(delivery, progress)
            body = post_body(delivery, images)
            await progress.intend("post")
            token = delivery.account.access_token
            response = await send(self._client, "POST", "/rest/posts", token=token, commits=True, json=body)
            await progress.save(post=self._made(response, resending=delivery.resending))
        return _done(progress.state["post"])

    async def check(self, delivery: Delivery, progress: Progress) -> Done | Pending | Ready:
        return await self.publish(delivery, progress)

    async def finalize(self, delivery: Delivery, progress: Progress) -> Done:
        return await self.publish(delivery, progress)

    async def find(self, delivery: Delivery, progress: Progress) -> Done | Unknowable:
        return _done(progress.state["post"]) if "post" in progress.state else Unknowable()

    async def metrics(self, account: Account, remote_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """Nothing, without a call, for the many connections that LinkedIn did not approve for analytics."""
        if ANALYTICS_SCOPE not in account.scopes:
            return {}
        found = {remote_id: await self._counters(account, remote_id) for remote_id in remote_ids}
        return {remote_id: counters for remote_id, counters in found.items() if counters is not None}

    async def delete(self, account: Account, remote_id: str) -> None:
        url = f"/rest/posts/{quote(remote_id, safe='')}"
        rest = {"X-RestLi-Method": "DELETE"}
        response = await send(self._client, "DELETE", url, token=account.access_token, headers=rest)
        if not response.is_success and response.status_code != 404:
            raise self._failed(response)

    async def refresh(self, account: Account) -> Tokens:
        """Most apps get no refresh token from LinkedIn: then the member logs in again every 60 days."""
        client = {"client_id": self._client_id, "client_secret": self._client_secret}
        url = f"{self._oauth_url}/oauth/v2/accessToken"
        return await refreshed(self._client, url, "LinkedIn", client, account.refresh_token)

    async def profile(self, account: Account) -> Profile:
        """OpenID Connect knows no handle; the name stands in for it."""
        response = await send(self._client, "GET", "/v2/userinfo", token=account.access_token)
        if not response.is_success:
            raise self._failed(response)
        user = read(UserInfo, response)
        return Profile(user.sub, user.name, user.name, user.picture)

    def login_url(self, login: Login) -> str:
        return login_url(CAPABILITIES, LIVE_URL, self._base_url, self._client_id, login)

    async def accounts(self, code: str, login: Login) -> Sequence[NewAccount]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": login.redirect_uri,
            "client_id": self._client_id,
            "client_secret": self._client_secret,
        }
        grant = await redeemed(self._client, f"{self._oauth_url}/oauth/v2/accessToken", Grant, form)
        return [await opened_account("linkedin", self.profile, grant)]

    async def disconnect(self, account: Account) -> None:
        """LinkedIn takes no tokens back: members end a permission in their own settings."""

    async def aclose(self) -> None:
        await self._client.aclose()

    def _made(self, response: httpx2.Response, *, resending: bool) -> str:
        """The URN of the post: the new one, or the earlier one when this was sent again to find it."""
        if response.is_success:
            urn = (
                response.headers.get("x-restli-id") or unquote(response.headers.get("location", "")).rpartition("/")[2]
            )
            if not urn.startswith("urn:li:"):
                raise ProviderFailed("LinkedIn: no id came back", remedy=Unknown(), status=response.status_code)
            return urn
        error = self._failed(response, commits=True)
        match error.remedy:
            case Rejected(code="DUPLICATE", adopted=str(earlier)) if resending:
                return earlier
            case _:
                raise error

    async def _uploaded(self, delivery: Delivery, progress: Progress) -> list[str]:
        """The URNs of the images, in order; those of an earlier attempt are used again."""
        done: list[str] = list(progress.state.get("images", ()))
        for file in delivery.parts[0].media[len(done) :]:
            done = [*done, await self._upload(delivery.account, file)]
            await progress.save(images=done)
        return done

    async def _upload(self, account: Account, file: MediaFile) -> str:
        """LinkedIn hands out an address and takes the bytes there, with the token and as they are."""
        body = {"initializeUploadRequest": {"owner": author_of(account)}}
        url = "/rest/images?action=initializeUpload"
        response = await send(self._client, "POST", url, token=account.access_token, json=body)
        if not response.is_success:
            raise self._failed(response)
        target = read(UploadTarget, response).value
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(file.size_bytes)}
        response = await send(
            self._client, "PUT", target.upload_url, token=account.access_token, headers=headers, content=file.chunks()
        )
        if not response.is_success:
            raise self._failed(response)
        return target.image

    async def _counters(self, account: Account, urn: str) -> dict[str, int] | None:
        """One call for each counter: LinkedIn answers for one at a time. None when the post is gone."""
        kind = "ugc" if ":ugcPost:" in urn else "share"
        counters: dict[str, int] = {}
        for name, query in _QUERIES.items():
            url = (
                "/rest/memberCreatorPostAnalytics?q=entity&aggregation=TOTAL"
                f"&entity=({kind}:{quote(urn, safe='')})&queryType={query}"
            )
            response = await send(self._client, "GET", url, token=account.access_token)
            if response.status_code == 404:
                return None
            if not response.is_success:
                raise self._failed(response)
            counters[name] = sum(element.count for element in read(Counts, response).elements)
        return counters

    def _failed(self, response: httpx2.Response, *, commits: bool = False) -> ProviderFailed:
        refused = refusal(response)
        remedy = remedy_of(refused, ERRORS, commits=commits)
        if isinstance(remedy, RateLimited):  # the limits are per day and end at midnight UTC, without a header
            tomorrow = self._clock.now().astimezone(UTC).date() + timedelta(days=1)
            remedy = RateLimited(datetime.combine(tomorrow, time(), UTC))
        earlier = re.search(r"urn:li:\w+:\d+", refused.message)
        if isinstance(remedy, Rejected) and remedy.code == "DUPLICATE" and earlier:
            remedy = Rejected(remedy.code, remedy.field, adopted=earlier[0])
        return failed("LinkedIn", refused, remedy)


def _done(urn: str) -> Done:
    return Done(urn, f"https://www.linkedin.com/feed/update/{urn}")


PLATFORM = SocialVendor(
    name="linkedin",
    capabilities=CAPABILITIES,
    live_base_url=LIVE_URL,
    build=lambda base_url, clock, credentials: LinkedIn(
        base_url,
        clock=clock,
        version=credentials.get("LINKEDIN_API_VERSION", "202609"),
        client_id=credentials.get("LINKEDIN_CLIENT_ID"),
        client_secret=credentials.get("LINKEDIN_CLIENT_SECRET"),
    ),
)
