"""TikTok: one video or up to 35 photos, posted directly over the Content Posting API.

    creator_info ─> init ─> publish_id ─> parts of the video ─> status ... PUBLISH_COMPLETE, with the public id
Videos are sent as bytes: nothing can be public before the last part, and the publish_id proves what became of it.
Photos can only be fetched by TikTok, from their addresses; then init itself publishes. If its answer is lost, a public
post can be found in the account's list, but its absence proves nothing while TikTok may still be looking at it.

Source: TikTok's documents of the Content Posting API, the Display API and Login Kit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from amp.domain.connections.port import NewAccount
from amp.domain.platforms.port import Capabilities, MediaRule, OAuth, Quota, TextRule, Version
from amp.domain.platforms.text_length import utf16_units
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
from amp.kit.clock import Clock
from amp.kit.errors import ProviderFailed, RateLimited, Rejected, Retry
from amp.kit.web import vendor_client
from amp.providers.discovery import SocialVendor
from amp.providers.social._calling import refreshed, send
from amp.providers.social._signing_in import Grant, code_form, login_url, opened_account, redeemed
from amp.providers.social._tiktok_api import TikTokApi
from amp.providers.social._tiktok_post import (
    PRIVATE_ONLY,
    PUBLIC,
    TikTokSettings,
    body_of,
    chunks_of,
    done,
    is_photos,
    own_rules,
    privacy_of,
    profile_url,
    refuse_too_long,
    sounds_like,
)
from amp.providers.social._tiktok_wire import Begun, Status

LIVE_URL = "https://open.tiktokapis.com"
_POLL = Pending(after=timedelta(seconds=10))
_MODERATED = Pending(after=timedelta(seconds=30))
_MODERATION = timedelta(minutes=10)
"""How long we wait for what TikTok looks at before it shows it: mostly a minute. It can be hours."""
_ADDRESS_LASTS = timedelta(minutes=55)  # an hour, by TikTok's word
_SKEW = timedelta(seconds=60)
_LISTING_PAGES = 5

CAPABILITIES = Capabilities(
    platform="tiktok",
    name="TikTok",
    text=TextRule(limit=2200, count=utf16_units, unit="UTF-16 units"),
    text_only=False,
    images=MediaRule(
        max_count=35,
        mime_types=frozenset({"image/jpeg", "image/webp"}),
        max_bytes=20_000_000,
        max_pixels=1920 * 1080,
    ),
    video=MediaRule(
        max_count=1,
        mime_types=frozenset({"video/mp4", "video/quicktime", "video/webm"}),
        max_bytes=4_000_000_000,
        max_seconds=600,
        min_side=360,
        max_width=4096,
        max_height=4096,
    ),
    fetches_media=frozenset({"image"}),
    settings=TikTokSettings,
    own_rules=(own_rules,),
    oauth=OAuth(
        authorize_url="https://www.tiktok.com/v2/auth/authorize/",
        token_url=f"{LIVE_URL}/v2/oauth/token/",
        scopes=("user.info.basic", "user.info.profile", "video.publish", "video.list"),
        pkce=False,
        scope_separator=",",
        client_parameter="client_key",
    ),
    quotas=(Quota(posts=6, hours=1 / 60), Quota(posts=15, hours=24)),
    deletes=False,
    metrics=frozenset({"video_views", "likes", "comments", "shares"}),
    versions=(Version("TIKTOK_API_VERSION", default="v2", sunset=None),),
    described_media="always",
    caveats=(
        "TikTok takes no post without media, and no app may edit or delete one.",
        "Until TikTok has approved the operator's app for direct posts, only the creator sees what is posted.",
        "Which privacy levels an account offers is asked of TikTok before every post.",
    ),
)


class TikTok:
    capabilities = CAPABILITIES
    visibility_delay = timedelta(seconds=60)
    refuses_duplicates = False

    def __init__(
        self, base_url: str, *, clock: Clock, version: str, client_key: str, client_secret: str, private_only: bool
    ) -> None:
        self._client = vendor_client(base_url)
        self._api = TikTokApi(self._client, clock=clock, version=version)
        self._base_url = base_url
        self._clock = clock
        self._app = {"client_key": client_key, "client_secret": client_secret}
        self._private_only = private_only
        self.launch_notes: Sequence[str] = (PRIVATE_ONLY,) if private_only else ()

    async def publish(self, delivery: Delivery, progress: Progress) -> Done | Pending:
        if "post" in progress.state:
            return done(delivery, progress)
        held = None
        if progress.state.get("publish_id"):
            status = await self._api.status(delivery.account, progress.state["publish_id"])
            if is_photos(delivery) or not status.wants_bytes:
                return await self._concluded(delivery, progress, status)
            held = self._held(delivery, progress, status)
        if held is None:
            held = await self._begin(delivery, progress)
        if not is_photos(delivery):
            await self._send_from(held, delivery, progress)
        return _POLL

    async def check(self, delivery: Delivery, progress: Progress) -> Done | Pending | Ready:
        return await self.publish(delivery, progress)

    async def finalize(self, delivery: Delivery, progress: Progress) -> Done:
        raise ProviderFailed("TikTok publishes by itself: `check` says when it is done", remedy=Retry())

    async def find(self, delivery: Delivery, progress: Progress) -> Done | Absent | Unknowable:
        if "post" in progress.state:
            return done(delivery, progress)
        try:
            return await self._found(delivery, progress)
        except ProviderFailed as error:
            if isinstance(error.remedy, Rejected):  # no permission to list, say: asking again gives the same answer
                return Unknowable()
            raise

    async def _found(self, delivery: Delivery, progress: Progress) -> Done | Absent | Unknowable:
        publish_id = progress.state.get("publish_id")
        if not publish_id:
            return await self._listed(delivery, progress) if is_photos(delivery) else Absent()
        status = await self._api.status(delivery.account, publish_id)
        size = delivery.parts[0].media[0].size_bytes
        if status.status == "FAILED" or (status.wants_bytes and status.uploaded_bytes < size):
            return Absent()
        await progress.save(sent=size)
        return Done(publish_id, profile_url(delivery.account))

    async def metrics(self, account: Account, remote_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        public = {remote_id: await self._public_id(account, remote_id) for remote_id in remote_ids}
        found = await self._api.videos(account, [public_id for public_id in public.values() if public_id])
        return {ours: found[theirs].counters() for ours, theirs in public.items() if theirs and theirs in found}

    async def delete(self, account: Account, remote_id: str) -> None:
        raise ProviderFailed("TikTok lets no app delete a post", remedy=Rejected("DELETE_NOT_SUPPORTED"))

    async def refresh(self, account: Account) -> Tokens:
        """The refresh token that comes back may be another one: never call this twice at a time."""
        return await refreshed(self._client, "/v2/oauth/token/", "TikTok", self._app, account.refresh_token)

    async def profile(self, account: Account) -> Profile:
        user = await self._api.user(account)
        return Profile(user.open_id, user.username or user.display_name, user.display_name, user.avatar_url)

    def login_url(self, login: Login) -> str:
        return login_url(CAPABILITIES, LIVE_URL, self._base_url, self._app["client_key"], login)

    async def accounts(self, code: str, login: Login) -> Sequence[NewAccount]:
        form = code_form(code, login, **self._app)
        grant = await redeemed(self._client, "/v2/oauth/token/", Grant, form)
        account = await opened_account("tiktok", self.profile, grant)
        return [replace(account, details={"privateOnly": self._private_only})]

    async def disconnect(self, account: Account) -> None:
        token = account.access_token.get_secret_value()
        await send(self._client, "POST", "/v2/oauth/revoke/", data={**self._app, "token": token})

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _begin(self, delivery: Delivery, progress: Progress) -> int:
        """A publish_id, for what the creator may do: all that photos need to be public. It begins with 0 bytes held."""
        settings = delivery.settings if isinstance(delivery.settings, TikTokSettings) else TikTokSettings()
        creator = await self._api.creator(delivery.account)
        privacy = privacy_of(settings, creator, private_only=self._private_only)
        refuse_too_long(delivery, creator)
        path, commits = ("content", True) if is_photos(delivery) else ("video", False)
        if commits:
            await progress.intend("photos")
        body = body_of(delivery, settings, creator, privacy.level)
        begun = await self._api.post(delivery.account, f"post/publish/{path}/init/", body, Begun, commits=commits)
        until = (self._clock.now() + _ADDRESS_LASTS).isoformat()
        how = {"privacy": privacy.level, "notes": list(filter(None, [privacy.note]))}
        await progress.save(publish_id=begun.publish_id, upload_url=begun.upload_url, upload_until=until, sent=0, **how)
        return 0

    def _held(self, delivery: Delivery, progress: Progress, status: Status) -> int | None:
        """How much TikTok has of the video. None: too little, at an address that is over; nothing can come of that.
        A video that is there in full is never sent anew, however long TikTok works on it."""
        held = max(status.uploaded_bytes, progress.state["sent"])
        lasts = self._clock.now() < datetime.fromisoformat(progress.state["upload_until"])
        return held if lasts or held >= delivery.parts[0].media[0].size_bytes else None

    async def _send_from(self, held: int, delivery: Delivery, progress: Progress) -> None:
        """All parts that TikTok does not hold yet, in order. The last one is what makes the video public."""
        file = delivery.parts[0].media[0]
        chunks = chunks_of(file)
        start = held if held >= chunks.total else chunks.boundary(held)
        while start < chunks.total:
            end = start + chunks.length_at(start)
            if end == chunks.total:
                await progress.intend("the last part of the video")
            response = await self._api.send_part(progress.state["upload_url"], file, start, end)
            if not response.is_success:
                await self._not_sent(response.status_code, progress, commits=end == chunks.total)
            await progress.save(sent=end)
            start = end

    async def _not_sent(self, status: int, progress: Progress, *, commits: bool) -> None:
        """Always raises. The next attempt asks the status, and goes on from there or begins anew: at once where the
        address is over (an hour), and once where TikTok gives no reason that we know."""
        error = self._api.upload_refused(status, commits=commits)
        if status == 416:  # TikTok holds more or less than we thought
            await progress.save(sent=0)
        elif status in (403, 404):
            await progress.save(upload_until=self._clock.now().isoformat())
        elif isinstance(error.remedy, Rejected) and not progress.state.get("upload_refused"):
            await progress.save(upload_until=self._clock.now().isoformat(), upload_refused=True)
        else:
            raise error
        raise ProviderFailed(error.message, remedy=Retry(), status=status)

    async def _concluded(self, delivery: Delivery, progress: Progress, status: Status) -> Done | Pending:
        if status.status == "FAILED":
            await self._not_published(status.fail_reason, progress)
        if status.status != "PUBLISH_COMPLETE":
            return _POLL
        if status.post_ids:
            await progress.save(post=status.post_ids[0])
        elif progress.state["privacy"] != PUBLIC:  # TikTok tells the ids of public posts only
            await progress.save(post=progress.state["publish_id"])
        elif await self._waited_enough(progress):
            note = "TikTok has published it and not yet shown its address: it is still being looked at."
            await progress.save(post=progress.state["publish_id"], notes=[*progress.state["notes"], note])
        else:
            return _MODERATED
        return done(delivery, progress)

    async def _waited_enough(self, progress: Progress) -> bool:
        """For the public id, since the first time that TikTok called it published."""
        now, since = self._clock.now(), progress.state.get("complete_at")
        if since is None:
            await progress.save(complete_at=now.isoformat())
        return since is not None and now - datetime.fromisoformat(since) > _MODERATION

    async def _not_published(self, reason: str, progress: Progress) -> None:
        """Always raises. Trying again begins with a new publish_id; media that could not be fetched, only once."""
        error, not_fetched = self._api.not_published(reason), reason.endswith("_pull_failed")
        if not_fetched and progress.state.get("not_fetched"):
            raise ProviderFailed(error.message, remedy=Rejected("MEDIA_UPLOAD_FAILED", field="media"))
        if isinstance(error.remedy, Retry | RateLimited):
            await progress.save(publish_id=None, not_fetched=not_fetched)
        raise error

    async def _listed(self, delivery: Delivery, progress: Progress) -> Done | Unknowable:
        """Photos whose init was not answered, among the public posts. Errors: Retry while it is too early to tell."""
        cursor: int | None = None
        for _ in range(_LISTING_PAGES):
            page = await self._api.newest(delivery.account, cursor)
            for video in page.videos:
                if sounds_like(video, delivery) and video.made_at >= delivery.first_intent_at - _SKEW:
                    await progress.save(post=video.id, notes=[])
                    return done(delivery, progress)
            if not page.has_more:
                break
            cursor = page.cursor
        if self._clock.now() - delivery.first_intent_at < _MODERATION:
            raise ProviderFailed("TikTok does not list the photos, or not yet", remedy=Retry())
        return Unknowable()

    async def _public_id(self, account: Account, remote_id: str) -> str | None:
        """Also of a post whose public id was not known when it was published; None: TikTok shows none."""
        if remote_id.isdigit():
            return remote_id
        ids = (await self._api.status(account, remote_id)).post_ids
        return ids[0] if ids else None


PLATFORM = SocialVendor(
    name="tiktok",
    capabilities=CAPABILITIES,
    live_base_url=LIVE_URL,
    build=lambda base_url, clock, credentials: TikTok(
        base_url,
        clock=clock,
        version=credentials.get("TIKTOK_API_VERSION", "v2"),
        client_key=credentials.get("TIKTOK_CLIENT_ID"),
        client_secret=credentials.get("TIKTOK_CLIENT_SECRET"),
        private_only=credentials.is_on("TIKTOK_PRIVATE_ONLY"),
    ),
)
