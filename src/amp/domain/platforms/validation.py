"""Whether a draft can go to a platform: every problem at once, from the platform's own declaration."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from amp.domain.platforms.port import Capabilities, Draft, MediaRule, Medium, Problem, Settings
from amp.domain.platforms.text_length import with_link
from amp.kit.sentences import sentence

VALIDATION_FAILED = "VALIDATION_FAILED"
CONTENT_TOO_LONG = "CONTENT_TOO_LONG"
UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
UNSUPPORTED_MEDIA_CONFIG = "UNSUPPORTED_MEDIA_CONFIG"
MIXED_MEDIA_NOT_SUPPORTED = "MIXED_MEDIA_NOT_SUPPORTED"
INVALID_PLACEMENT = "INVALID_PLACEMENT"

_KINDS = {"image": "images", "gif": "GIFs", "video": "videos"}
_MEGABYTE = 1_000_000

Found = Iterator[tuple[str, str, str]]
"""Field, code and message of problems."""


def validate(draft: Draft, capabilities: Capabilities) -> tuple[Problem, ...]:
    """All reasons why this draft cannot be published there; none when it can.

    Limits are the vendors' (see each adapter); what is not known of a medium is not held against it.
    """
    settings, wrong_settings = read_settings(draft.settings, capabilities)
    found = [
        *_text_problems(draft, capabilities, settings),
        *_link_problems(draft, capabilities),
        *_media_problems(draft, capabilities),
        *wrong_settings,
    ]
    own = [problem for rule in capabilities.own_rules for problem in rule(draft, settings)] if settings else []
    return (*(Problem(capabilities.platform, *problem) for problem in found), *own)


def outgoing_text(draft: Draft, capabilities: Capabilities, settings: Settings) -> tuple[str, ...]:
    """The parts as they are sent: a link that gets no card ends the first part."""
    first, *rest = draft.parts or ("",)
    if not (capabilities.link_card and settings.makes_card(len(draft.media))):
        first = with_link(first, draft.link)
    return (first, *rest)


def read_settings(
    given: Mapping[str, object], capabilities: Capabilities
) -> tuple[Settings | None, list[tuple[str, str, str]]]:
    """The settings, or field, code and message of what is wrong with them."""
    try:
        return capabilities.settings.model_validate(dict(given)), []
    except ValidationError as error:
        return None, [
            (
                path(("settings", *wrong["loc"])),
                VALIDATION_FAILED,
                _setting_message(capabilities, wrong),
            )
            for wrong in error.errors()
        ]


def _setting_message(capabilities: Capabilities, wrong: ErrorDetails) -> str:
    name = path(wrong["loc"])
    if wrong["type"] == "extra_forbidden":
        return f"{capabilities.name} has no setting {name}"
    return sentence(f"{capabilities.name} setting {name}", {**wrong})


def path(location: Iterable[str | int]) -> str:
    """Where something is in a draft: `("media", 0, "url")` as `media[0].url`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).removeprefix(".")


def _text_problems(draft: Draft, capabilities: Capabilities, settings: Settings | None) -> Found:
    parts = outgoing_text(draft, capabilities, settings or Settings())
    if len(parts) > capabilities.max_thread_parts:
        yield "parts", VALIDATION_FAILED, _too_many_parts(len(parts), capabilities)
    rule = capabilities.text
    for index, text in enumerate(parts):
        field = "text" if len(parts) == 1 else f"parts[{index}].text"
        if not text.strip() and (index or not draft.media):
            yield field, VALIDATION_FAILED, "There is nothing to publish here: write some text"
        length = rule.count(text)
        if length > rule.limit:
            yield (
                field,
                CONTENT_TOO_LONG,
                f"{capabilities.name} allows {rule.limit} {rule.unit}; this is {length}, "
                f"{length - rule.limit} too long",
            )


def _too_many_parts(count: int, capabilities: Capabilities) -> str:
    if capabilities.max_thread_parts == 1:
        return f"{capabilities.name} has no threads: put the text into one post"
    return f"{capabilities.name} takes threads of at most {capabilities.max_thread_parts} posts, not {count}"


def _link_problems(draft: Draft, capabilities: Capabilities) -> Found:
    if draft.link is None:
        return
    if not is_web_address(draft.link):
        yield "linkUrl", VALIDATION_FAILED, f"{draft.link!r} is not an http(s) address"
    elif not (capabilities.link_card or capabilities.link_in_text):
        yield "linkUrl", VALIDATION_FAILED, f"{capabilities.name} posts carry no link"


def is_web_address(link: str) -> bool:
    """Whether a browser would open it as a page."""
    try:
        parts = urlsplit(link)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not any(map(str.isspace, link))
    except ValueError:
        return False


def _media_problems(draft: Draft, capabilities: Capabilities) -> Found:
    if not draft.media and not capabilities.text_only:
        wanted = ("an image", capabilities.images), ("a video", capabilities.video)
        either = " or ".join(kind for kind, rule in wanted if rule)
        yield "media", UNSUPPORTED_MEDIA_CONFIG, f"{capabilities.name} needs {either}"
    kinds = dict.fromkeys(medium.kind for medium in draft.media)
    if len(kinds) > 1 and not capabilities.mixed_media:
        mixed = " and ".join(_KINDS.get(kind, kind) for kind in kinds)
        yield "media", MIXED_MEDIA_NOT_SUPPORTED, f"{capabilities.name} cannot have {mixed} in one post"
    for kind in kinds:
        yield from _count_problems(kind, draft, capabilities)
    if capabilities.max_media and len(draft.media) > capabilities.max_media:
        message = f"{capabilities.name} takes at most {capabilities.max_media} media per post, not {len(draft.media)}"
        yield "media", UNSUPPORTED_MEDIA_CONFIG, message
    for index, medium in enumerate(draft.media):
        yield from _medium_problems(f"media[{index}]", medium, capabilities)


def _rule(kind: str, capabilities: Capabilities) -> MediaRule | None:
    return {"image": capabilities.images, "gif": capabilities.gif, "video": capabilities.video}.get(kind)


def _count_problems(kind: str, draft: Draft, capabilities: Capabilities) -> Found:
    rule = _rule(kind, capabilities)
    count = sum(medium.kind == kind for medium in draft.media)
    if rule and count > rule.max_count:
        yield (
            "media",
            UNSUPPORTED_MEDIA_CONFIG,
            f"{capabilities.name} takes at most {rule.max_count} of these per post: {count} {_KINDS[kind]}",
        )


def _medium_problems(field: str, medium: Medium, capabilities: Capabilities) -> Found:
    rule = _rule(medium.kind, capabilities)
    if rule is None:
        kind = _KINDS.get(medium.kind, f"files of type {medium.mime_type}")
        yield f"{field}.mimeType", UNSUPPORTED_MEDIA_TYPE, f"{capabilities.name} takes no {kind}"
        return
    if medium.mime_type not in rule.mime_types:
        allowed = ", ".join(sorted(rule.mime_types))
        message = f"{capabilities.name} takes {allowed}, not {medium.mime_type}"
        yield f"{field}.mimeType", UNSUPPORTED_MEDIA_TYPE, message
    for part, wrong in _out_of_bounds(medium, rule):
        yield f"{field}.{part}", UNSUPPORTED_MEDIA_CONFIG, f"{capabilities.name}: {wrong}"
    if rule.alt_text_limit and len(medium.alt_text or "") > rule.alt_text_limit:
        message = f"{capabilities.name} allows {rule.alt_text_limit} characters of alternative text"
        yield f"{field}.altText", VALIDATION_FAILED, message


def _out_of_bounds(medium: Medium, rule: MediaRule) -> Iterator[tuple[str, str]]:
    width, height = medium.width, medium.height
    pixels = width * height if width and height else None
    aspect = width / height if width and height else None
    shorter = min(width, height) if width and height else None
    checks: Iterable[tuple[str, float | None, float, float, Callable[[float], str]]] = (
        ("sizeBytes", medium.size_bytes, 0, rule.max_bytes, _megabytes),
        ("durationSeconds", medium.seconds, rule.min_seconds, rule.max_seconds, _unit("seconds")),
        ("width", width, 0, rule.max_width, _unit("pixels wide")),
        ("height", height, 0, rule.max_height, _unit("pixels high")),
        ("width", shorter, rule.min_side, 0, _unit("pixels on the shorter side")),
        ("width", pixels, 0, rule.max_pixels, _unit("pixels")),
        ("width", aspect, rule.min_aspect, rule.max_aspect, _unit("times as wide as high")),
    )
    for field, value, least, most, say in checks:
        if value is not None and value < least:
            yield field, f"at least {say(least)}; this is {say(value)}"
        if value is not None and most and value > most:
            yield field, f"at most {say(most)}; this is {say(value)}"


def _megabytes(size: float) -> str:
    return f"{size / _MEGABYTE:,.1f} MB"


def _unit(name: str) -> Callable[[float], str]:
    return lambda value: f"{value:,} {name}" if isinstance(value, int) else f"{value:,.6g} {name}"
