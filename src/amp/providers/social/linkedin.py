"""LinkedIn: posts of a member with text, up to 20 images, a video or a link card, over the versioned REST API.

A member's posts cannot be listed with the scopes that members may give, so nothing can be looked up after a lost
answer. But LinkedIn refuses an identical post and names the first: sending it once more is the proof.

Source: LinkedIn's API documentation on learn.microsoft.com and its own Python client.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import quote, unquote

import httpx2

from amp.domain.connections.port import NewAccount
from amp.domain.platforms.port import Capabilities, MediaRule, OAuth, Quota, TextRule, Version
from amp.domain.platforms.text_length import code_points
from amp.domain.publishing.port import (
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
from amp.kit.clock import Clock
from amp.kit.errors import ProviderFailed, Rejected, Retry, Unknown
from amp.kit.web import vendor_client
from amp.providers.discovery import SocialVendor
from amp.providers.social._calling import read, refreshed, send
from amp.providers.social._linkedin_errors import failure
from amp.providers.social._linkedin_media import Uploads
from amp.providers.social._linkedin_post import LinkedInSettings, own_rules, post_body
from amp.providers.social._linkedin_wire import Counts, UserInfo
from amp.providers.social._signing_in import Grant, code_form, login_url, opened_account, redeemed

LIVE_URL = "https://api.linkedin.com"
OAUTH_URL = "https://www.linkedin.com"
ANALYTICS_SCOPE = "r_member_postAnalytics"
VERSION = Version("LINKEDIN_API_VERSION", default="202605", sunset=date(2027, 5, 1))
"""The Ampost contract's default. LinkedIn supports each for a year at least; a newer one (202609 is known to work as
written here) may be set before that is over."""

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
    video=MediaRule(
        max_count=1,
        mime_types=frozenset({"video/mp4"}),
        max_bytes=500_000_000,
        min_seconds=3,
        max_seconds=30 * 60,
    ),
    link_card=True,
    settings=LinkedInSettings,
    own_rules=(own_rules,),
    oauth=OAuth(
        authorize_url=f"{OAUTH_URL}/oauth/v2/authorization",
        token_url=f"{OAUTH_URL}/oauth/v2/accessToken",
        scopes=("openid", "profile", "email", "w_member_social"),
        pkce=False,
        scopes_by_approval=(ANALYTICS_SCOPE,),
    ),
    quotas=(Quota(posts=150, hours=24),),
    metrics=frozenset({"impressions", "reach", "likes", "comments", "shares", "saves", "clicks", "followers_gained"}),
    versions=(VERSION,),
    described_media="video",
    caveats=(
        "LinkedIn posts go out in the name of a member: posting for an organization or a page is not open.",
        "Numbers need LinkedIn's approval of the operator's app; without it there are none.",
        "Most apps get no refresh token: their members connect again every 60 days.",
    ),
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


class LinkedIn:
    capabilities = CAPABILITIES
    visibility_delay = timedelta(seconds=30)
    refuses_duplicates = True
    launch_notes = ("Posting for an organization is not open: LINKEDIN_ENABLE_ORGANIZATION_POSTING stays false.",)

    def __init__(
        self,
        base_url: str,
        *,
        clock: Clock,
        version: str,
        client_id: str,
        client_secret: str,
        more_scopes: Sequence[str] = (),
    ) -> None:
        self._client = vendor_client(
            base_url, headers={"LinkedIn-Version": version, "X-Restli-Protocol-Version": "2.0.0"}
        )
        # Live, people log in on another host than the API's; elsewhere both are under the one base.
        self._oauth_url = OAUTH_URL if base_url == LIVE_URL else base_url
        self._base_url = base_url
        self._clock = clock
        self._app = {"client_id": client_id, "client_secret": client_secret}
        self._more_scopes = more_scopes

    async def publish(self, delivery: Delivery, progress: Progress) -> Done | Pending:
        if "post" not in progress.state:
            media = await Uploads(self._client, self._clock, delivery, progress).finished()
            if isinstance(media, Pending):
                return media
            body = post_body(delivery, media)
            await progress.intend("post")
            token = delivery.account.access_token
            response = await send(self._client, "POST", "/rest/posts", token=token, commits=True, json=body)
            await progress.save(post=self._made(response, resending=delivery.resending))
        return _done(progress.state["post"])

    async def check(self, delivery: Delivery, progress: Progress) -> Done | Pending | Ready:
        return await self.publish(delivery, progress)

    async def finalize(self, delivery: Delivery, progress: Progress) -> Done:
        raise ProviderFailed("LinkedIn has nothing to finalize: `check` goes on with the post", remedy=Retry())

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
            raise failure(response, self._clock)

    async def refresh(self, account: Account) -> Tokens:
        """Most apps get no refresh token from LinkedIn: then the member logs in again every 60 days."""
        url = f"{self._oauth_url}/oauth/v2/accessToken"
        return await refreshed(self._client, url, "LinkedIn", self._app, account.refresh_token)

    async def profile(self, account: Account) -> Profile:
        """OpenID Connect knows no handle; the name stands in for it."""
        user = await self._user(account)
        return Profile(user.sub, user.name, user.name, user.picture)

    def login_url(self, login: Login) -> str:
        client_id = self._app["client_id"]
        return login_url(CAPABILITIES, LIVE_URL, self._base_url, client_id, login, more_scopes=self._more_scopes)

    async def accounts(self, code: str, login: Login) -> Sequence[NewAccount]:
        """With what OpenID Connect says of the member, and the state of the gate for organizations."""
        form = code_form(code, login, **self._app)
        grant = await redeemed(self._client, f"{self._oauth_url}/oauth/v2/accessToken", Grant, form)
        user: list[UserInfo] = []

        async def profile(account: Account) -> Profile:
            user.append(await self._user(account))
            return Profile(user[0].sub, user[0].name, user[0].name, user[0].picture)

        account = await opened_account("linkedin", profile, grant)
        return [replace(account, details={**user[0].details(), "organizationPosting": False})]

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
        error = failure(response, self._clock, commits=True)
        match error.remedy:
            case Rejected(code="DUPLICATE", adopted=str(earlier)) if resending:
                return earlier
            case _:
                raise error

    async def _user(self, account: Account) -> UserInfo:
        response = await send(self._client, "GET", "/v2/userinfo", token=account.access_token)
        if not response.is_success:
            raise failure(response, self._clock)
        return read(UserInfo, response)

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
                raise failure(response, self._clock)
            counters[name] = sum(element.count for element in read(Counts, response).elements)
        return counters


def _done(urn: str) -> Done:
    return Done(urn, f"https://www.linkedin.com/feed/update/{urn}")


PLATFORM = SocialVendor(
    name="linkedin",
    capabilities=CAPABILITIES,
    live_base_url=LIVE_URL,
    build=lambda base_url, clock, credentials: LinkedIn(
        base_url,
        clock=clock,
        version=credentials.get(VERSION.setting, VERSION.default),
        client_id=credentials.get("LINKEDIN_CLIENT_ID"),
        client_secret=credentials.get("LINKEDIN_CLIENT_SECRET"),
        more_scopes=credentials.words("LINKEDIN_EXTRA_SCOPES"),
    ),
)
