"""Who is asking: a bearer key, an access token or a session cookie becomes an Actor, and one request is counted on the
way in.

Keys that cannot be keys, tokens that we did not sign and cookies that are not ours are refused without asking the
database; everything else takes one statement.
"""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from starlette.requests import cookie_parser

from amp.domain.tenants.admission import Admission, KeyUse, RateWindow, admit_session, renew_digest
from amp.domain.tenants.cookies import CSRF_HEADER, cookie_name, csrf_matches, session_in
from amp.domain.tenants.keys import Key, parse_key
from amp.domain.tenants.roles import Actor
from amp.domain.tenants.tokens import AccessClaims, read_access_token
from amp.kit.errors import Forbidden, NotFound, Unauthenticated
from amp.kit.ids import Kind, decode
from amp.surfaces.door import Door

By = Literal["bearer", "cookie", "either"]


async def identify(
    door: Door, headers: Mapping[str, str], window: RateWindow, *, by: By = "bearer", writes: bool = False
) -> Admission:
    """The actor behind the headers (`Authorization` or `Cookie`, and `X-Tenant-ID`), with the use of `window` counted.
    Where both are sent, the bearer token counts.

    Errors: Unauthenticated; Forbidden for another's tenant, for a bearer token where only the dashboard may come, for
    a cookie that `writes` without its CSRF token, and `live_disabled` while the clock is fast.
    """
    if by == "cookie" and bears_token(headers):
        raise Forbidden("This belongs to the dashboard: it takes no bearer tokens", code="session_required")
    if by == "bearer" or bears_token(headers):
        admission = await _by_token(door, headers, window)
    else:
        admission = await _by_cookie(door, headers, window, writes=writes)
    if admission.actor.environment == "live":
        require_live(door)
    return admission


def bears_token(headers: Mapping[str, str]) -> bool:
    return "authorization" in headers


async def _by_token(door: Door, headers: Mapping[str, str], window: RateWindow) -> Admission:
    token = _bearer(headers)
    wanted = headers.get("x-tenant-id")
    if token.startswith(("amp_", "mk_")):
        admission = await _by_key(door, token, window)
        if wanted is not None and _tenant(wanted) != admission.actor.tenant_id:
            raise Forbidden("This key belongs to another tenant", param="X-Tenant-ID")
        return admission
    return await _by_session(door, token, wanted, window)


async def _by_cookie(door: Door, headers: Mapping[str, str], window: RateWindow, *, writes: bool) -> Admission:
    cookie = session_cookie(door, headers)
    session_id = session_in(cookie, door.secrets)
    if session_id is None:
        raise Unauthenticated("Log in first: POST /api/session")
    if writes and not csrf_matches(headers.get(CSRF_HEADER.lower(), ""), cookie, door.secrets):
        raise Forbidden(f"Send the {CSRF_HEADER} that GET /api/session tells", code="csrf_failed")
    wanted = headers.get("x-tenant-id")
    tenant_id = _tenant(wanted) if wanted is not None else None
    database = door.units.database
    if wanted is None or tenant_id:
        admission = await admit_session(database, session_id, tenant_id, None, window)
        if admission:
            return admission
    if wanted is not None and await admit_session(database, session_id, None, None, window):
        raise Forbidden("You do not belong to this tenant", param="X-Tenant-ID")
    raise Unauthenticated("This session is over; log in again")


def session_cookie(door: Door, headers: Mapping[str, str]) -> str:
    """The value of our cookie, empty when there is none."""
    return cookie_parser(headers.get("cookie", "")).get(cookie_name(door.base_url), "")


def require_live(door: Door) -> None:
    if not door.live_enabled:
        raise Forbidden("The clock runs fast here: live keys are off, use a test key", code="live_disabled")


def _bearer(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Send an API key or an access token: 'Authorization: Bearer amp_...'")
    return token.strip()


async def _by_key(door: Door, token: str, window: RateWindow) -> Admission:
    key = parse_key(token)
    if key is None:
        raise Unauthenticated("This is not an API key: it is incomplete or mistyped")
    admission = await _admitted(door, key, window)
    if admission is None:
        raise Unauthenticated("This API key is unknown, expired or revoked")
    return admission


async def _by_session(door: Door, token: str, wanted: str | None, window: RateWindow) -> Admission:
    claims = read_access_token(token, keys=door.secrets)
    if claims is None:
        raise Unauthenticated("This access token is expired or not one of ours; refresh it or log in again")
    tenant_id = claims.tenant_id if wanted is None else _tenant(wanted)
    admission = tenant_id and await _admit(door, claims, tenant_id, window)
    if admission:
        return admission
    if wanted is not None and await _admit(door, claims, claims.tenant_id, window):
        raise Forbidden("You do not belong to this tenant", param="X-Tenant-ID")
    raise Unauthenticated("This session is over; log in again")


async def _admit(door: Door, claims: AccessClaims, tenant_id: UUID, window: RateWindow) -> Admission | None:
    database = door.units.database
    return await admit_session(database, claims.session_id, tenant_id, claims.environment, window)


def _tenant(text: str) -> UUID | None:
    """The tenant that a header names; None when it cannot be one."""
    try:
        return decode(Kind.TENANT, text, what="Tenant")
    except NotFound:
        return None


async def _admitted(door: Door, key: Key, window: RateWindow) -> Admission | None:
    """By the digest of the master key; while that is being changed, by those before too, which are then renewed."""
    admission = await door.admissions.ask(KeyUse(key.digest(door.secrets), window))
    for earlier in door.secrets.earlier():
        if admission:
            break
        admission = await door.admissions.ask(KeyUse(key.digest(earlier), window))
        if admission and admission.actor.key_id:
            digest, name = key.digest(door.secrets), door.secrets.key_id
            await renew_digest(door.units.database, admission.actor.key_id, digest=digest, digest_key=name)
    return admission


__all__ = ["Actor", "By", "bears_token", "identify", "require_live", "session_cookie"]
