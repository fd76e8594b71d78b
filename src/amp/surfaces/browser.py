"""What is particular to browsers: they want pages, keep cookies, and are told on the next page what the last request
did.

The sentence for the next page travels in a cookie, sealed for the session: nobody can have us say something by a link.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from amp.domain.tenants.cookies import cookie_name, cookie_of, session_in
from amp.domain.tenants.signing_in import SESSION_LIFE
from amp.kit.secrets import Unreadable
from amp.surfaces.actor import session_cookie
from amp.surfaces.door import Door

Tone = Literal["good", "bad"]

_TOLD = "amp_told"
_SOON = timedelta(minutes=5)
_LONGEST_SENTENCE = 500


@dataclass(frozen=True)
class Told:
    sentence: str
    tone: Tone


def wants_page(request: Request) -> bool:
    """Whether a browser navigates here, which says so in `Accept`."""
    return "text/html" in request.headers.get("accept", "")


def give_session(door: Door, response: Response, session_id: UUID) -> None:
    """The cookie that opens the session."""
    keep_cookie(door, response, cookie_name(door.base_url), cookie_of(session_id, door.secrets), lasts=SESSION_LIFE)


def take_session(door: Door, response: Response) -> None:
    drop_cookie(door, response, cookie_name(door.base_url))


def tell(door: Door, request: Request, response: Response, told: Told) -> None:
    """Have the next page of this session say it."""
    text = json.dumps([told.tone, told.sentence[:_LONGEST_SENTENCE]])
    sealed = door.secrets.seal(text, row=_session_row(door, request))
    keep_cookie(door, response, own_name(door, _TOLD), sealed, lasts=_SOON)


def told_to(door: Door, request: Request) -> Told | None:
    """What this page is to say; `forget_told` has it said once."""
    sealed = request.cookies.get(own_name(door, _TOLD), "")
    try:
        tone, sentence = json.loads(door.secrets.unseal(sealed, row=_session_row(door, request)))
    except (Unreadable, ValueError):  # nothing, another session's, or made up
        return None
    return Told(sentence, tone)


def forget_told(door: Door, response: Response) -> None:
    drop_cookie(door, response, own_name(door, _TOLD))


def own_name(door: Door, name: str) -> str:
    """Over TLS with the prefix that ties a cookie to this host, as the session's own."""
    return f"__Host-{name}" if _is_public(door) else name


def keep_cookie(door: Door, response: Response, name: str, value: str, *, lasts: timedelta) -> None:
    """No script reads it; links from elsewhere bring it along, forms from elsewhere do not."""
    response.set_cookie(
        name,
        value,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=_is_public(door),
        httponly=True,
        samesite="lax",
    )


def drop_cookie(door: Door, response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", secure=_is_public(door), httponly=True, samesite="lax")


def _is_public(door: Door) -> bool:
    """Whether the world reaches us over TLS; on one's own machine there is none."""
    return door.base_url.startswith("https:")


def _session_row(door: Door, request: Request) -> str:
    """What a sentence is bound to."""
    return f"told {session_in(session_cookie(door, request.headers), door.secrets)}"
