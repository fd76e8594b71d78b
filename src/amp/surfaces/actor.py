"""Who is asking: a bearer key or an access token becomes an Actor, and one request is counted on the way in.

Keys that cannot be keys and tokens that we did not sign are refused without asking the database; everything
else takes one statement.
"""

from collections.abc import Mapping
from uuid import UUID

from amp.domain.tenants import queries
from amp.domain.tenants.keys import parse_key
from amp.domain.tenants.queries import Admission, RateWindow
from amp.domain.tenants.roles import Actor
from amp.domain.tenants.tokens import AccessClaims, read_access_token
from amp.kit.errors import Forbidden, NotFound, Unauthenticated
from amp.kit.ids import Kind, decode
from amp.surfaces.door import Door


async def identify(door: Door, headers: Mapping[str, str], window: RateWindow) -> Admission:
    """The actor behind the `Authorization` and `X-Tenant-ID` headers, with the use of `window` counted.

    Errors: Unauthenticated; Forbidden for another's tenant, and `live_disabled` while the clock is fast.
    """
    token = _bearer(headers)
    wanted = headers.get("x-tenant-id")
    if token.startswith(("amp_", "mk_")):
        admission = await _by_key(door, token, window)
        if wanted is not None and _tenant(wanted) != admission.actor.tenant_id:
            raise Forbidden("This key belongs to another tenant", param="X-Tenant-ID")
    else:
        admission = await _by_session(door, token, wanted, window)
    if admission.actor.environment == "live":
        require_live(door)
    return admission


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
    admission = await queries.admit_key(door.units.database, key.digest(door.secrets), window)
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
    return await queries.admit_session(database, claims.session_id, tenant_id, claims.environment, window)


def _tenant(text: str) -> UUID | None:
    """The tenant that a header names; None when it cannot be one."""
    try:
        return decode(Kind.TENANT, text, what="Tenant")
    except NotFound:
        return None


__all__ = ["Actor", "identify", "require_live"]
