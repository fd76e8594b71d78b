"""Events of a timeline as the contract shows them: times as everywhere, and what follows from an error in plain words.

What was written down years ago is shown in the same way."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from amp.domain.publishing.queries import Event
from amp.kit.ids import Kind, encode
from amp.surfaces.fields import to_wire

_TIMES = ("again_at", "check_at", "look_at", "scheduled_for")
_REMEDIES = {
    "Retry": "tried again later",
    "RateLimited": "tried again when the platform's limit allows it",
    "RefreshToken": "tried again with fresh tokens",
    "Reconnect": "the account must be connected again",
    "Rejected": "given up: the platform would refuse it again",
    "Unknown": "looked for before anything is sent",
}
"""By the names of the remedies in `kit/errors.py`."""


def told(event: Event) -> dict[str, Any]:
    return {
        "id": encode(Kind.EVENT, event.id),
        "at": to_wire(event.at),
        "kind": event.kind,
        "platform": event.platform,
        "platformPostId": encode(Kind.PLATFORM_POST, event.platform_post_id) if event.platform_post_id else None,
        "requestId": event.request_id,
        "detail": _in_plain_words(event.detail),
    }


def _in_plain_words(detail: Mapping[str, Any]) -> dict[str, Any]:
    times = {name: to_wire(datetime.fromisoformat(detail[name])) for name in _TIMES if name in detail}
    remedy = detail.get("remedy")
    return {**detail, **times, **({"remedy": _REMEDIES.get(remedy, remedy)} if remedy else {})}
