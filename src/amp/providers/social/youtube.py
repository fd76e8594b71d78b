"""YouTube: one video with title, description and thumbnail, over the Data API, uploaded resumably.

    upload ─> the video's id ─> thumbnail ─> processing ... processed ─> first comment
The upload's address is saved before a byte is sent, and asking it is the proof of what became of a lost answer. Where
it is gone (after a week), the channel's own list of uploads is read.

Source: Google's discovery documents youtube.v3 and youtubeAnalytics.v2, and the guides of the YouTube Data API.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from amp.domain.connections.port import NewAccount
from amp.domain.platforms.port import Capabilities, MediaRule, Quota, TextRule, Version
from amp.domain.platforms.text_length import utf8_bytes
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
from amp.kit.errors import AmpError, ProviderFailed, Rejected, Retry
from amp.kit.web import vendor_client
from amp.providers.discovery import SocialVendor
from amp.providers.social._calling import refreshed, send
from amp.providers.social._commenting import comment_is_lost, comment_notes, commented
from amp.providers.social._google_signing_in import OAUTH_URL, REVOKE_PATH, SCOPES, TOKEN_PATH, google_oauth
from amp.providers.social._signing_in import Grant, code_form, login_url, opened_account, redeemed
from amp.providers.social._youtube_api import YouTubeApi
from amp.providers.social._youtube_post import (
    YouTubeSettings,
    description_of,
    own_rules,
    privacy_notes,
    title_of,
    video_body,
)
from amp.providers.social._youtube_upload import Upload
from amp.providers.social._youtube_wire import Listed, not_processed

LIVE_URL = "https://youtube.googleapis.com"
COMMENTS, ANALYTICS = f"{SCOPES}youtube.force-ssl", f"{SCOPES}yt-analytics.readonly"
_POLL = Pending(after=timedelta(seconds=20))
_SKEW = timedelta(seconds=60)
_UNVERIFIED = "Uploads stay private while Google has not verified the operator's project"

CAPABILITIES = Capabilities(
    platform="youtube",
    name="YouTube",
    text=TextRule(limit=5000, count=utf8_bytes, unit="bytes"),
    text_only=False,
    video=MediaRule(
        max_count=1,
        mime_types=frozenset({"video/mp4", "video/quicktime", "video/webm"}),
        max_bytes=256_000_000_000,
        max_seconds=12 * 60 * 60,
    ),
    settings=YouTubeSettings,
    own_rules=(own_rules,),
    oauth=google_oauth(("youtube.upload", "youtube"), by_approval=("youtube.force-ssl", "yt-analytics.readonly")),
    quotas=(Quota(posts=100, hours=24),),
    metrics=frozenset({"video_views", "likes", "comments", "shares", "followers_gained"}),
    versions=(Version("YOUTUBE_API_VERSION", default="v3", sunset=None),),
    scheduling=True,
    described_media="always",
    caveats=(
        "YouTube takes exactly one video per post: no text, image or mixed posts.",
        "Public and unlisted videos may be made private by Google while the operator's project is not verified.",
        "The project may upload 100 videos a day by default, and refused requests count, too.",
    ),
)


class YouTube:
    capabilities = CAPABILITIES
    visibility_delay = timedelta(seconds=60)
    refuses_duplicates = False

    def __init__(
        self,
        base_url: str,
        *,
        clock: Clock,
        version: str,
        client_id: str,
        client_secret: str,
        force_private: bool,
        more_scopes: Sequence[str] = (),
    ) -> None:
        self._client = vendor_client(base_url)
        self._api = YouTubeApi(self._client, clock=clock, version=version, is_live=base_url == LIVE_URL)
        self._oauth_url = OAUTH_URL if base_url == LIVE_URL else base_url
        self._base_url = base_url
        self._app = {"client_id": client_id, "client_secret": client_secret}
        self._force_private = force_private
        self._more_scopes = more_scopes
        self.launch_notes: Sequence[str] = (f"{_UNVERIFIED} (YOUTUBE_FORCE_PRIVATE_UPLOADS).",) if force_private else ()

    async def publish(self, delivery: Delivery, progress: Progress) -> Done | Pending:
        settings = _settings(delivery)
        if not progress.state.get("video"):
            body = video_body(delivery, settings, force_private=self._force_private)
            video = await Upload(self._api, delivery, progress).finished(body, notify=settings.notify_subscribers)
            await progress.save(video=video.id, post=video.id, privacy=video.status.privacy)
        if progress.state.get("thumbnail") is None:
            await progress.save(thumbnail=await self._thumbnail(delivery, progress.state["video"]))
        if not progress.state.get("processed"):
            if not await self._is_processed(delivery.account, progress):
                return _POLL
            await progress.save(processed=True)
        if settings.first_comment:
            await self._comment(delivery.account, settings.first_comment, progress)
        return self._done(settings, progress)

    async def check(self, delivery: Delivery, progress: Progress) -> Done | Pending | Ready:
        return await self.publish(delivery, progress)

    async def finalize(self, delivery: Delivery, progress: Progress) -> Done:
        raise ProviderFailed("YouTube publishes by itself: `check` says when it is done", remedy=Retry())

    async def find(self, delivery: Delivery, progress: Progress) -> Done | Absent | Unknowable:
        settings = _settings(delivery)
        if progress.state.get("video"):
            if settings.first_comment:
                await comment_is_lost(progress)
            return self._done(settings, progress)
        if not progress.state.get("session"):
            return Absent()
        held = await Upload(self._api, delivery, progress).probed()
        if isinstance(held, int):
            return Absent()
        if held is None:
            return await self._listed(delivery, progress)
        await progress.save(video=held.id, privacy=held.status.privacy)
        return self._done(settings, progress)

    async def metrics(self, account: Account, remote_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """Shares and subscribers come days later, and only where reports may be read and Google makes them."""
        videos = await self._api.videos(account, "statistics", remote_ids)
        found = {video_id: video.counters() for video_id, video in videos.items()}
        if found and ANALYTICS in account.scopes:
            try:
                reported = await self._api.report(account, list(found))
            except ProviderFailed as error:
                if not isinstance(error.remedy, Rejected):
                    raise
                return found
            for video_id, counters in reported.items():
                found[video_id] |= counters
        return found

    async def delete(self, account: Account, remote_id: str) -> None:
        try:
            await self._api.delete(account, remote_id)
        except ProviderFailed as error:
            if error.remedy != Rejected("POST_NOT_FOUND"):
                raise

    async def refresh(self, account: Account) -> Tokens:
        """Google keeps the refresh token: none comes back."""
        url = f"{self._oauth_url}{TOKEN_PATH}"
        return await refreshed(self._client, url, "Google", self._app, account.refresh_token)

    async def profile(self, account: Account) -> Profile:
        channel = await self._api.channel(account)
        if channel is None:
            message = "YouTube: this Google account has no channel; make one, then connect again"
            raise ProviderFailed(message, remedy=Rejected("ACCOUNT_ACTION_REQUIRED"))
        snippet, picture = channel.snippet, channel.snippet.thumbnails.get("default")
        handle = snippet.custom_url.removeprefix("@") or snippet.title
        return Profile(channel.id, handle, snippet.title, picture.url if picture else None)

    def login_url(self, login: Login) -> str:
        client_id = self._app["client_id"]
        return login_url(CAPABILITIES, LIVE_URL, self._base_url, client_id, login, more_scopes=self._more_scopes)

    async def accounts(self, code: str, login: Login) -> Sequence[NewAccount]:
        form = code_form(code, login, code_verifier=login.verifier, **self._app)
        grant = await redeemed(self._client, f"{self._oauth_url}{TOKEN_PATH}", Grant, form)
        account = await opened_account("youtube", self.profile, grant)
        return [replace(account, details={"forcePrivateUploads": self._force_private})]

    async def disconnect(self, account: Account) -> None:
        """The refresh token ends the access tokens with it."""
        token = (account.refresh_token or account.access_token).get_secret_value()
        await send(self._client, "POST", f"{self._oauth_url}{REVOKE_PATH}", data={"token": token})

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _thumbnail(self, delivery: Delivery, video_id: str) -> str:
        """Set it, if there is one; what went wrong, in a sentence. The video is there already and stays."""
        file = delivery.parts[0].media[0]
        if file.thumbnail is None:
            return "The thumbnail was not set: its picture could not be read." if file.thumbnail_url else ""
        try:
            await self._api.set_thumbnail(delivery.account, video_id, file.thumbnail)
        except AmpError as error:
            return f"The thumbnail was not set: {error.message}"
        return ""

    async def _is_processed(self, account: Account, progress: Progress) -> bool:
        """Errors: ProviderFailed when nothing will come of the video: a later attempt uploads it again."""
        video_id = progress.state["video"]
        video = (await self._api.videos(account, "status,processingDetails", [video_id])).get(video_id)
        if video is None:
            raise ProviderFailed("YouTube does not show the video", remedy=Retry())
        if video.why_not:
            await progress.save(video=None, session=None, thumbnail=None)
            message = f"YouTube could not process the video: {video.why_not}"
            raise ProviderFailed(message, remedy=not_processed(video.why_not))
        return video.is_processed

    async def _comment(self, account: Account, text: str, progress: Progress) -> None:
        if COMMENTS not in account.scopes:
            await progress.save(comment="The first comment was not made: the account was connected without comments.")
        elif progress.state["privacy"] == "private":
            await progress.save(comment="The first comment was not made: YouTube takes none on private videos.")
        else:
            await commented(progress, lambda: self._api.comment(account, progress.state["video"], text))

    async def _listed(self, delivery: Delivery, progress: Progress) -> Done | Absent | Unknowable:
        """The session is gone: is the video among the newest of the channel?"""
        channel = await self._api.channel(delivery.account)
        playlist = channel.details.playlists.get("uploads") if channel else None
        if playlist is None:
            return Unknowable()
        uploads = await self._api.uploads(delivery.account, playlist)
        recent = [item for item in uploads.items if item.snippet.listed_at >= delivery.first_intent_at - _SKEW]
        for item in recent:
            if _is_it(item, delivery):
                await progress.save(video=item.details.video_id, privacy=item.status.privacy)
                return self._done(_settings(delivery), progress)
        return Unknowable() if recent and len(recent) == len(uploads.items) and uploads.next_page else Absent()

    def _done(self, settings: YouTubeSettings, progress: Progress) -> Done:
        video_id, thumbnail = progress.state["video"], progress.state.get("thumbnail")
        privacy = privacy_notes(settings, progress.state["privacy"], force_private=self._force_private)
        notes = (*privacy, *filter(None, [thumbnail]), *comment_notes(progress))
        return Done(video_id, f"https://www.youtube.com/watch?v={video_id}", notes)


def _settings(delivery: Delivery) -> YouTubeSettings:
    return delivery.settings if isinstance(delivery.settings, YouTubeSettings) else YouTubeSettings()


def _is_it(item: Listed, delivery: Delivery) -> bool:
    """The same words: YouTube trims them and keeps them otherwise."""
    settings = _settings(delivery)
    ours = (title_of(delivery, settings), description_of(delivery, settings))
    theirs = (item.snippet.title, item.snippet.description)
    return [" ".join(text.split()) for text in ours] == [" ".join(text.split()) for text in theirs]


PLATFORM = SocialVendor(
    name="youtube",
    capabilities=CAPABILITIES,
    live_base_url=LIVE_URL,
    build=lambda base_url, clock, credentials: YouTube(
        base_url,
        clock=clock,
        version=credentials.get("YOUTUBE_API_VERSION", "v3"),
        client_id=credentials.get("YOUTUBE_CLIENT_ID"),
        client_secret=credentials.get("YOUTUBE_CLIENT_SECRET"),
        force_private=credentials.is_on("YOUTUBE_FORCE_PRIVATE_UPLOADS"),
        more_scopes=credentials.words("YOUTUBE_EXTRA_SCOPES"),
    ),
)
