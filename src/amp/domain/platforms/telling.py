"""What the platforms declare about themselves, in words: for documents, and for agents that read them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from amp.domain.platforms.port import Capabilities, MediaRule, Quota

_MEGABYTE = 1_000_000


def table(platforms: Iterable[Capabilities]) -> str:
    """All platforms at a glance, as a Markdown table."""
    head = "| Platform | Key | Text-only | Scheduling | Media | Text | Quota for each account |\n"
    return head + "|---|---|---|---|---|---|---|\n" + "".join(map(_row, platforms))


def _row(capabilities: Capabilities) -> str:
    text = f"{capabilities.text.limit:,} {capabilities.text.unit}"
    quotas = ", ".join(map(_quota, capabilities.quotas)) or "none known"
    cells = (
        capabilities.name,
        f"`{capabilities.platform}`",
        _yes(capabilities.text_only),
        _yes(capabilities.scheduling),
        ", ".join(_kinds_of_media(capabilities)),
        text,
        quotas,
    )
    return f"| {' | '.join(cells)} |\n"


def _kinds_of_media(capabilities: Capabilities) -> Iterator[str]:
    """Such as `4 images`, `1 video`."""
    for name, rule in (("image", capabilities.images), ("video", capabilities.video), ("GIF", capabilities.gif)):
        if rule:
            yield f"{rule.max_count} {name}{'s' if rule.max_count > 1 else ''}"
    if capabilities.mixed_media:
        yield "mixed"


def details(capabilities: Capabilities) -> str:
    """One platform: its media, its settings and what to know, as Markdown without a heading."""
    lines = [*_media_lines(capabilities), *_setting_lines(capabilities)]
    lines += [f"- {caveat}" for caveat in capabilities.caveats]
    if capabilities.max_thread_parts > 1:
        lines.append(f"- Threads of up to {capabilities.max_thread_parts} posts (missions only).")
    described = {
        "video": "- Videos need explicit media objects, with type, mimeType and sizeBytes; bare URLs are refused.",
        "always": "- Media need explicit objects, with type, mimeType and sizeBytes; bare URLs are refused.",
    }
    if capabilities.described_media in described:
        lines.append(described[capabilities.described_media])
    return "\n".join(lines) + "\n"


def _media_lines(capabilities: Capabilities) -> Iterator[str]:
    for name, rule in (("Images", capabilities.images), ("Videos", capabilities.video), ("GIFs", capabilities.gif)):
        if rule:
            yield f"- {name}: {', '.join(_bounds(rule))}."


def _bounds(rule: MediaRule) -> Iterator[str]:
    yield f"at most {rule.max_count}"
    yield ", ".join(f"`{name}`" for name in sorted(rule.mime_types))
    yield f"up to {rule.max_bytes / _MEGABYTE:,.0f} MB"
    if rule.max_seconds:
        yield f"{rule.min_seconds:g} to {rule.max_seconds:g} seconds"
    if rule.max_aspect:
        yield f"{rule.min_aspect:.3g} to {rule.max_aspect:.3g} times as wide as high"
    if rule.alt_text_limit:
        yield f"alternative text of up to {rule.alt_text_limit:,} characters"


def _setting_lines(capabilities: Capabilities) -> Iterator[str]:
    schema = capabilities.settings.model_json_schema(by_alias=True)
    for name, field in schema.get("properties", {}).items():
        default = "" if field.get("default") in (None, [], "") else f", default `{_literal(field['default'])}`"
        words = " ".join(str(field.get("description", "")).split())
        kind = type_name(field).removesuffix(" | null")  # null is as good as leaving it out, for all of them
        yield f"- Setting `{name}` ({kind}{default}){f': {words}' if words else ''}"


def type_name(schema: Mapping[str, Any]) -> str:
    """What a JSON schema allows, in few words: `string`, `"a" | "b"`, `integer`."""
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(type_name(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    if "const" in schema:
        return f'"{schema["const"]}"'
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        return f"{_grouped(type_name(schema.get('items', {})))}[]"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        if not isinstance(inner, Mapping):
            return "object"
        return f"{{ [key]: {type_name(cast('Mapping[str, Any]', inner))} }}"
    return "time" if schema.get("format") == "date-time" else str(schema.get("type", "any"))


def _grouped(name: str) -> str:
    return f"({name})" if " | " in name else name


def _literal(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quota(quota: Quota) -> str:
    some = f"{quota.posts} {quota.noun}" if quota.settings else f"{quota.posts}"
    if quota.hours >= 1:
        return f"{some} in {quota.hours:g} h"
    return f"{some} in {quota.hours * 60:g} min"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
