"""`/llm.txt`: the contract for agents that read, written from the same declarations that hold for it: routes, models,
capabilities, rates and codes."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.routing import Route

from amp.domain.platforms import telling
from amp.domain.publishing.drafting import PLANNED, PostingRules
from amp.domain.publishing.port import SocialPlatforms
from amp.domain.tenants.plans import AMPOST_RATES, FEATURES
from amp.surfaces.ampost.envelope import BROKER_CODES, CODES
from amp.surfaces.ampost.shapes import PLATFORM_STATUSES
from amp.surfaces.application import ContractApp
from amp.surfaces.door import Door

_SEMANTICS = """\
- `POST /api/v1/posts` makes a draft when `scheduledFor` is null, and a scheduled post when it is a time in the future
  (ISO 8601 with its zone). It never publishes. `POST /api/v1/posts/{post_id}/publish` does: only when the user asks
  for it.
- `platformSetId` is required. Each platform needs an active account in that set; accounts are found by us. List the
  sets first, then the accounts.
- All that is wrong with a post is told at once, in `error.details.problems`, each with platform, field, code and
  message. `POST /api/v1/posts/validate` tells the same without saving. Fields are named as they stand in `content`
  (`text`, `media[0].url`), settings as `settings.privacyStatus` beside their platform.
- `content.platformOverrides.<platform>` has `text` and `settings` for one platform. A setting that is null counts as
  left out.
- Send media as objects with `type`, `url`, `mimeType`, `sizeBytes`, and `durationSeconds` for videos. The old
  `content.mediaUrls` (bare addresses) still work where the platform allows.
- Files go to `POST /api/posts` as a form: `data` (JSON, flat: `{"text", "platforms", "platformSetId", ...}`) and
  `files`, at most 200 MB each, JPEG, PNG, WebP, MP4 or QuickTime by content. The answer's `media` are the truth.
- A post can be changed while it is `draft` or `scheduled` and nothing of it has begun; discarded while it is `draft`,
  `scheduled`, `queued`, `partial` or `failed`; published at once while it is `draft` or `scheduled`. Retrying touches
  only what failed.
- What belongs to others is 404, as what does not exist.
- A write with an `Idempotency-Key` header happens once, however often it is sent within 24 hours.
"""


def llm_text(door: Door, public: ContractApp, compatible: ContractApp) -> str:
    """The whole page, as Markdown."""
    mounts = {"/api/v1": public.openapi(), "/api": compatible.openapi()}
    return "\n".join(
        (
            "# Ampost API reference\n",
            "One API to write, schedule and publish posts on social platforms.\n",
            "## Service\n",
            _service(door, public),
            "## Platforms\n",
            *_platforms(door),
            "## What to know\n",
            _SEMANTICS,
            "## Routes\n",
            *(_route(mount + path, method, operation) for mount, path, method, operation in _operations(mounts)),
            "## Shapes\n",
            *_shapes(mounts.values()),
            "## Statuses\n",
            _statuses(mounts["/api/v1"]),
            "## Plans and rates\n",
            _rates(),
            "## Error codes\n",
            _codes(),
        )
    )


def llm_route(door: Door, public: ContractApp, compatible: ContractApp) -> Route:
    """Serves the page, written at the first request for it."""
    written: list[str] = []

    async def serve(_request: object) -> PlainTextResponse:
        if not written:
            written.append(llm_text(door, public, compatible))
        return PlainTextResponse(written[0])

    return Route("/llm.txt", serve)


def _service(door: Door, public: ContractApp) -> str:
    openapi = f"- OpenAPI: `{door.base_url}/api/v1{public.openapi_url}`\n" if public.openapi_url else ""
    return (
        f"- Base URL: `{door.base_url}`; the API is under `/api/v1`\n"
        "- Auth: `Authorization: Bearer <API key>`; keys are made in the dashboard. Test keys publish to a sandbox\n"
        "- Content type: `application/json`; unknown fields are refused\n"
        '- Errors: `{"error": {"code", "message", "details"?}}`\n'
        f"{openapi}"
    )


def _platforms(door: Door) -> Iterator[str]:
    social = door.ports.get(SocialPlatforms)
    platforms = [social.capabilities(name) for name in sorted(social.names())]
    yield telling.table(platforms)
    if door.ports.get(PostingRules).schedule_everywhere:
        yield "On this server every platform can be scheduled.\n"
    planned = [name for key, name in PLANNED.items() if key not in social.names()]
    yield "".join(f"{name} is planned and is no target yet.\n" for name in planned)
    for capabilities in platforms:
        yield f"### {capabilities.name} (`{capabilities.platform}`)\n\n{telling.details(capabilities)}"


def _operations(documents: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
    for mount, document in documents.items():
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                yield mount, path, method.upper(), operation


def _route(path: str, method: str, operation: Mapping[str, Any]) -> str:
    lines = [f"### {method} {path}\n"]
    if "description" in operation:
        lines.append(operation["description"] + "\n")
    if "x-needs" in operation:
        lines.append(f"- Permission `{operation['x-needs']}`, rate limit operation `{operation['x-rate']}`")
    else:
        lines.append("- Open to everybody")
    for parameter in operation.get("parameters", ()):
        needed = ", required" if parameter.get("required") else ""
        kind = telling.type_name(parameter["schema"])
        lines.append(f"- {parameter['in'].title()} parameter `{parameter['name']}`: {kind}{needed}")
    body = _schema(operation.get("requestBody", {}))
    if body:
        lines.append(f"- Body: {body}")
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            lines.append(f"- Answer: `{status}` {_schema(answer)}")
    return "\n".join(lines) + "\n"


def _schema(holder: Mapping[str, Any]) -> str:
    for media_type, content in holder.get("content", {}).items():
        name = telling.type_name(content.get("schema", {}))
        return f"`{name}`" if media_type == "application/json" else f"a form (`{media_type}`)"
    return ""


def _shapes(documents: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    schemas = {
        name: schema for document in documents for name, schema in document["components"].get("schemas", {}).items()
    }
    for name in sorted(schemas):
        yield _shape(name, schemas[name])


def _shape(name: str, schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    lines = [f"```ts\n{name} {{"]
    for field, described in schema.get("properties", {}).items():
        words = " ".join(str(described.get("description", "")).split())
        comment = f"  // {words}" if words else ""
        lines.append(f"  {field}{'' if field in required else '?'}: {telling.type_name(described)};{comment}")
    about = re.sub(r"\s+", " ", schema.get("description", ""))
    return "\n".join((*lines, "}\n```", *([about] if about else ()))) + "\n"


def _statuses(document: Mapping[str, Any]) -> str:
    of_posts = document["components"]["schemas"]["Post"]["properties"]["status"]["enum"]
    return (
        f"- Of a post: {', '.join(f'`{status}`' for status in of_posts)}\n"
        f"- On one platform: {', '.join(f'`{status}`' for status in PLATFORM_STATUSES)}\n"
    )


def _rates() -> str:
    rows = "".join(
        f"| `{name}` | {rates.free} | {rates.pro} | {rates.max} | {rates.enterprise} | "
        f"{'minute' if rates.period.total_seconds() == 60 else 'hour'} |\n"
        for name, rates in AMPOST_RATES.items()
    )
    keys = ", ".join(f"`{plan}`" for plan, features in FEATURES.items() if features.api_keys)
    return (
        "| Operation | Free | Pro | Max | Enterprise | Window |\n|---|---:|---:|---:|---:|---|\n" + rows + "\n"
        f"API keys work on {keys}. Answers carry `X-RateLimit-Limit`, `X-RateLimit-Remaining`, `X-RateLimit-Reset`; "
        "a 429 carries `Retry-After`.\n"
    )


def _codes() -> str:
    rows = "".join(f"| `{code}` | {status} | {meaning} |\n" for code, (status, meaning) in CODES.items())
    brokers = "".join(f"| `{code}` | {meaning} |\n" for code, meaning in BROKER_CODES.items())
    return (
        f"| Code | HTTP | Meaning |\n|---|---:|---|\n{rows}\n"
        f"A platform's part of a post, or its account, may also fail with\n\n| Code | Meaning |\n|---|---|\n{brokers}"
    )
