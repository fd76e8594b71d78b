"""From what somebody wants to post to what each platform would get, with all that is wrong with it at once.

    Wanted ── drafted ──> Drafted: the Draft for `operations.create_post`, and the Problems that forbid it

The rules are those of the Ampost contract (REST, MCP, dashboard). Missions make their Drafts themselves.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from amp.domain.media.receiving import Intake
from amp.domain.platforms import validation
from amp.domain.platforms.port import Capabilities, Medium, Problem
from amp.domain.platforms.port import Draft as PlatformDraft
from amp.domain.publishing import quotas
from amp.domain.publishing.choosing import NOT_CONNECTED, SetAccount, accounts_of, unusable
from amp.domain.publishing.describing import Described, WantedMedium, described, media_problems
from amp.domain.publishing.draft import Draft, Target
from amp.domain.publishing.horizon import beyond
from amp.domain.publishing.port import SocialPlatforms
from amp.engine.jobs import Ports
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import Invalid
from amp.kit.fetching import Fetcher

EVERYTHING = ""
"""The platform of a problem that concerns the whole post."""

PLANNED = {"bluesky": "Bluesky"}


@dataclass(frozen=True)
class PostingRules:
    """The operator's choices."""

    schedule_everywhere: bool = False
    """Scheduling on every platform, and not only where the contract offers it."""


@dataclass(frozen=True)
class Override:
    """What one platform gets instead of, or besides, the rest. `text` None: the post's own."""

    text: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def document(self) -> dict[str, Any]:
        text = {} if self.text is None else {"text": self.text}
        return {**text, "settings": dict(self.settings)}


@dataclass(frozen=True)
class Wanted:
    """A post as somebody wrote it, before anything of it is checked."""

    text: str
    platforms: Sequence[str]
    platform_set_id: UUID
    media: Sequence[WantedMedium] = ()
    link_url: str | None = None
    overrides: Mapping[str, Override] = field(default_factory=dict[str, Override])
    scheduled_for: datetime | None = None
    """None: a draft."""
    user_id: UUID | None = None


@dataclass(frozen=True)
class Drafted:
    draft: Draft
    problems: tuple[Problem, ...]

    def sound(self) -> Draft:
        """The draft, if nothing is wrong with it. Errors: Invalid, with the code of the first problem and all of them
        in its details."""
        if not self.problems:
            return self.draft
        first, *others = self.problems
        message = f"{first.message} (and {len(others)} more)" if others else first.message
        documents = [problem_document(problem) for problem in self.problems]
        raise Invalid(message, code=first.code, param=first.field, details={"problems": documents})


def problem_document(problem: Problem) -> dict[str, Any]:
    return {
        "platform": None if problem.platform == EVERYTHING else problem.platform,
        "field": problem.field,
        "code": problem.code,
        "message": problem.message,
    }


async def drafted(
    uow: UnitOfWork,
    ports: Ports,
    wanted: Wanted,
    *,
    besides: UUID | None = None,
    kept: Mapping[str, UUID] | None = None,
) -> Drafted:
    """What would go out. `besides` is the post that is being edited, which takes up no room beside itself; `kept` are
    the accounts that it keeps, whatever has become of them. Without, they are those of the set.

    Errors: NotFound for a platform set that is not there.
    """
    social, rules = ports.get(SocialPlatforms), ports.get(PostingRules)
    platforms = [name for name in dict.fromkeys(wanted.platforms) if name in social.names()]
    accounts, unconnected = (kept, ()) if kept is not None else await _chosen(uow, wanted, platforms, social)
    fetcher = ports.get(Intake).fetcher
    media = await described(uow, wanted.media, fetcher)
    problems = [
        *_platform_problems(wanted, social),
        *unconnected,
        *_time_problems(uow, wanted),
        *media_problems(wanted.media, media),
    ]
    for name in platforms:
        capabilities = social.capabilities(name)
        problems += _problems_of(capabilities, wanted, media, rules, uow.clock.now())
        problems += _out_of_reach(capabilities, wanted, media, fetcher)
    if wanted.scheduled_for and not problems:
        problems += await _full_quotas(uow, social, wanted, accounts, besides)
    return Drafted(_draft(wanted, platforms, media, accounts), tuple(problems))


def _draft(wanted: Wanted, platforms: Sequence[str], media: Sequence[Described], accounts: Mapping[str, UUID]) -> Draft:
    return Draft(
        targets={name: _target(name, wanted) for name in platforms},
        text=wanted.text,
        media=[medium.kept for medium in media],
        link_url=wanted.link_url,
        overrides={name: override.document() for name, override in wanted.overrides.items()},
        platform_set_id=wanted.platform_set_id,
        scheduled_for=wanted.scheduled_for,
        user_id=wanted.user_id,
        accounts=accounts,
    )


def _target(platform: str, wanted: Wanted) -> Target:
    override = wanted.overrides.get(platform, Override())
    return Target((wanted.text if override.text is None else override.text,), override.settings)


def _platform_problems(wanted: Wanted, social: SocialPlatforms) -> Iterator[Problem]:
    if not wanted.platforms:
        yield Problem(EVERYTHING, "platforms", "NO_PLATFORMS_SELECTED", "Choose at least one platform")
    for name in dict.fromkeys(wanted.platforms):
        if name not in social.names():
            yield Problem(EVERYTHING, "platforms", validation.VALIDATION_FAILED, unknown_platform(name, social))
    for name in wanted.overrides:
        if name not in social.names():
            message = unknown_platform(name, social)
            yield Problem(EVERYTHING, f"platformOverrides.{name}", validation.VALIDATION_FAILED, message)


def unknown_platform(name: str, social: SocialPlatforms) -> str:
    """Why one cannot post there, in a sentence."""
    supported = f"Supported: {', '.join(sorted(social.names()))}"
    if name in PLANNED:
        return f"{PLANNED[name]} is planned and cannot be published to yet. {supported}"
    return f"There is no platform '{name[:40]}'. {supported}"


async def _chosen(
    uow: UnitOfWork, wanted: Wanted, platforms: Sequence[str], social: SocialPlatforms
) -> tuple[Mapping[str, UUID], Iterator[Problem]]:
    """The accounts that the set has now, and what is wrong with those that it ought to have. Errors: NotFound."""
    found = await accounts_of(uow, wanted.platform_set_id, platforms)
    active = {platform: account.id for platform, account in found.items() if account.active}
    return active, _unconnected(platforms, found, social)


def _unconnected(
    platforms: Sequence[str], found: Mapping[str, SetAccount], social: SocialPlatforms
) -> Iterator[Problem]:
    for platform in platforms:
        message = unusable(social.capabilities(platform).name, found.get(platform))
        if message:
            yield Problem(platform, "platforms", NOT_CONNECTED, message)


def _time_problems(uow: UnitOfWork, wanted: Wanted) -> Iterator[Problem]:
    now, at, message = uow.clock.now(), wanted.scheduled_for, None
    if at and at <= now:
        message = "scheduledFor has passed; give a time in the future, or null for a draft"
    elif at:
        message = beyond(now, at, "scheduledFor")
    if message:
        yield Problem(EVERYTHING, "scheduledFor", validation.VALIDATION_FAILED, message)


def _problems_of(
    capabilities: Capabilities, wanted: Wanted, media: Sequence[Described], rules: PostingRules, now: datetime
) -> Iterator[Problem]:
    target = _target(capabilities.platform, wanted)
    if wanted.scheduled_for and not (capabilities.scheduling or rules.schedule_everywhere):
        message = f"{capabilities.name} posts cannot be scheduled: leave scheduledFor null and publish the draft"
        yield Problem(capabilities.platform, "scheduledFor", validation.VALIDATION_FAILED, message)
    yield from _bare_media(capabilities, wanted)
    draft = PlatformDraft(
        target.parts, _known(media), wanted.link_url, target.settings, now=now, scheduled_for=wanted.scheduled_for
    )
    yield from validation.validate(draft, capabilities)


def _known(media: Sequence[Described]) -> tuple[Medium, ...]:
    return tuple(medium.known for medium in media)


def _bare_media(capabilities: Capabilities, wanted: Wanted) -> Iterator[Problem]:
    """Media that the platform wants described and that came as addresses only, or without what it must know."""
    for index, medium in enumerate(wanted.media):
        if capabilities.described_media == "never" or medium.id is not None:
            continue
        if capabilities.described_media == "video" and medium.kind != "video":
            continue
        lacking = medium.lacking
        if lacking:
            message = (
                f"{capabilities.name} needs explicit media objects, with type, mimeType and sizeBytes; "
                f"this one lacks {', '.join(lacking)}"
            )
            yield Problem(capabilities.platform, medium.field(index), validation.VALIDATION_FAILED, message)


def _out_of_reach(
    capabilities: Capabilities, wanted: Wanted, media: Sequence[Described], fetcher: Fetcher
) -> Iterator[Problem]:
    """Media of which the platform is sent the bytes, at ports that we do not fetch from."""
    for index, (medium, known) in enumerate(zip(wanted.media, media, strict=True)):
        if medium.id or known.wrong or medium.kind in capabilities.fetches_media:
            continue
        if not fetcher.reads_from(medium.url):
            message = f"{capabilities.name} is sent the file itself, and files are fetched from ports 80 and 443 only"
            yield Problem(capabilities.platform, medium.field(index, "url"), validation.VALIDATION_FAILED, message)


async def _full_quotas(
    uow: UnitOfWork, social: SocialPlatforms, wanted: Wanted, accounts: Mapping[str, UUID], besides: UUID | None
) -> list[Problem]:
    """A post that would not fit the vendor's quota at its time is refused when it is scheduled, not when it is due."""
    assert wanted.scheduled_for  # noqa: S101 - the caller asked
    problems: list[Problem] = []
    for platform, account_id in accounts.items():
        able, settings = social.capabilities(platform), _target(platform, wanted).settings
        full = await quotas.room(uow, account_id, able, wanted.scheduled_for, settings=settings, besides=besides)
        if full:
            problems.append(Problem(platform, "scheduledFor", validation.VALIDATION_FAILED, full.message))
    return problems
