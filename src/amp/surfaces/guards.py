"""What stands before every handler: who is asking, how often, and may they."""

import math

from starlette.requests import Request

from amp.domain.tenants.admission import RateWindow
from amp.domain.tenants.plans import FEATURES
from amp.domain.tenants.roles import Actor, Permission
from amp.engine.throttle import Use
from amp.kit.errors import Forbidden, OverLimit
from amp.surfaces.actor import By, bears_token, identify
from amp.surfaces.contract import Contract
from amp.surfaces.door import Door
from amp.surfaces.edge import answer_headers


async def admit(
    request: Request, door: Door, contract: Contract, needs: Permission, operation: str, by: By = "bearer"
) -> Actor:
    """The actor, if it may. The request is counted in the workspace's window for `operation`.

    Errors: Unauthenticated, Forbidden, OverLimit.
    """
    rates = contract.rates(operation)
    window = RateWindow(f"{contract.name}:{operation}", rates.period)
    writes = request.method not in ("GET", "HEAD")
    admission = await identify(door, request.headers, window, by=by, writes=writes)
    use = Use(rates.of(admission.actor.plan), admission.used, admission.resets_at)
    answer_headers(request.scope).update(_rate_headers(use, window))
    if not use.allowed:
        raise OverLimit("Too many requests", retry_after=use.wait_seconds)
    if contract.keys_by_plan and bears_token(request.headers) and not FEATURES[admission.actor.plan].api_keys:
        message = f"The plan '{admission.actor.plan}' does not include API keys; use the dashboard, or another plan"
        raise Forbidden(message, code="plan_without_api_keys")
    if not admission.actor.may(needs):
        raise Forbidden(f"This needs the permission '{needs}'")
    return admission.actor


def _rate_headers(use: Use, window: RateWindow) -> dict[str, str]:
    """The widespread names, and those of the IETF draft (draft-ietf-httpapi-ratelimit-headers-10)."""
    period, wait = int(window.period.total_seconds()), math.ceil(use.wait_seconds)
    return {
        "X-RateLimit-Limit": str(use.limit),
        "X-RateLimit-Remaining": str(use.remaining),
        "X-RateLimit-Reset": str(math.ceil(use.resets_at.timestamp())),
        "RateLimit-Policy": f'"{window.bucket}";q={use.limit};w={period}',
        "RateLimit": f'"{window.bucket}";r={use.remaining};t={wait}',
    }
