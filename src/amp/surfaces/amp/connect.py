"""Integrations (`/connect/...` of the AMP contract): what is connected, how it is, and what to do about it."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr
from sqlalchemy import select

from amp.domain.connections import integrations
from amp.domain.connections.integrations import Known, chosen
from amp.domain.connections.models import Connection, PlatformSet
from amp.domain.connections.port import AggregatorLogin, Aggregators, Brand, SandboxAccounts
from amp.domain.pipeline.port import Assignment, Writer
from amp.domain.pipeline.stages.strategy import StrategyPlan
from amp.domain.publishing.port import Environment, SocialPlatforms
from amp.domain.tenants.roles import Actor as Who
from amp.kit.errors import AmpError, Invalid, NotFound, ProviderFailed, Reconnect
from amp.kit.ids import Kind, encode
from amp.surfaces.door import Door
from amp.surfaces.fields import Body
from amp.surfaces.surface import Actor, AtDoor, Surface, Uow

router = Surface("connect")

METRICOOL = "metricool"
Text = Annotated[str, Field(min_length=1, max_length=2000)]


def _as_text(value: Any) -> Any:
    return str(value) if type(value) is int else value


Number = Annotated[Text, BeforeValidator(_as_text, json_schema_input_type=str | int)]
"""As people copy it from Metricool, or as programs keep it."""


class MetricoolLogin(Body):
    user_token: Text
    user_id: Number
    blog_id: Number


@router.post("/connect/metricool", needs="admin", unit="none")
async def connect_metricool(door: AtDoor, actor: Actor, body: MetricoolLogin) -> dict[str, Any]:
    """Ask Metricool whether the token is good for the brand, and keep it, sealed."""
    login = AggregatorLogin(SecretStr(body.user_token), body.user_id)
    brand = chosen(await _brands(door, actor, login), body.blog_id)
    async with door.units.begin(actor.scope) as uow:
        await integrations.remember(uow, door.secrets, METRICOOL, login, brand)
    return {"integration": METRICOOL, "status": "connected", **_shown(brand)}


@router.get("/connect/metricool/accounts", needs="read", unit="none")
async def metricool_accounts(door: AtDoor, actor: Actor) -> dict[str, Any]:
    """Metricool's brands with their networks, as Metricool tells them now."""
    async with door.units.begin(actor.scope) as uow:
        known = await integrations.known(uow, door.secrets, METRICOOL)
    if known is None:
        raise NotFound("Metricool is not connected. POST /connect/metricool with user_token, user_id and blog_id.")
    try:
        brands = await _brands(door, actor, known.login)
    except Invalid:
        async with door.units.begin(actor.scope) as uow:
            await integrations.refused(uow, METRICOOL)
        raise
    data = [{**_shown(brand), "selected": brand.blog_id == known.blog_id} for brand in brands]
    return {"data": data, "has_more": False, "total": len(data)}


@router.delete("/connect/metricool", needs="admin")
async def disconnect_metricool(uow: Uow) -> dict[str, Any]:
    """Forget the token."""
    await integrations.forget(uow, METRICOOL)
    return {"integration": METRICOOL, "status": "not_connected"}


async def _brands(door: Door, actor: Who, login: AggregatorLogin) -> Any:
    """Errors: Invalid when Metricool does not take the token; ProviderFailed."""
    try:
        return await door.ports.get(Aggregators).of(actor.environment).brands(login)
    except ProviderFailed as error:
        if not isinstance(error.remedy, Reconnect):
            raise
        message = "Metricool does not take this user_token for this user_id. API access needs its Advanced plan."
        raise Invalid(message, param="user_token") from error


def _shown(brand: Brand) -> dict[str, Any]:
    return {
        "blog_id": brand.blog_id,
        "label": brand.label,
        "timezone": brand.time_zone,
        "networks": _networks(brand.networks),
    }


def _networks(handles: Mapping[str, str | None]) -> list[dict[str, Any]]:
    return [{"platform": name, "handle": handle} for name, handle in sorted(handles.items())]


@router.get("/connect/status", needs="read")
async def connect_status(uow: Uow, door: AtDoor, actor: Actor) -> dict[str, Any]:
    """Every integration of the workspace: its health, what is missing and how to fix it."""
    connected = {row.platform: row for row in (await uow.session.execute(_CONNECTIONS)).all()}
    platforms = [_platform(door, name, connected.get(name)) for name in door.ports.get(SocialPlatforms).names()]
    metricool = _metricool(await integrations.known(uow, door.secrets, METRICOOL))
    status: dict[str, Any] = {
        "platforms": platforms,
        METRICOOL: metricool,
        "writer": _writer(door, actor.environment),
    }
    if actor.environment == "test":
        feeds = door.ports.get(SandboxAccounts).feeds(actor.workspace_id)
        status["sandbox"] = {"feeds_url": f"{door.base_url}{feeds}"}
    return status


_CONNECTIONS = (
    select(Connection.id, Connection.platform, Connection.handle, Connection.status, Connection.scopes)
    .join(PlatformSet, PlatformSet.id == Connection.platform_set_id)
    .where(Connection.status != "revoked")
    .order_by(PlatformSet.is_default, Connection.id)
)
"""The last one of a platform counts: that of the default set, which missions publish through."""


def _platform(door: Door, name: str, row: Any) -> dict[str, Any]:
    capabilities = door.ports.get(SocialPlatforms).capabilities(name)
    view: dict[str, Any] = {"platform": name, "name": capabilities.name, "status": "not_connected", "fix": None}
    if row is None:
        return view | {"fix": f"Connect an account on {capabilities.name}."}
    view |= {"status": row.status, "account_id": encode(Kind.ACCOUNT, row.id), "handle": row.handle}
    wanted = capabilities.oauth.scopes if capabilities.oauth else ()
    view["missing_scopes"] = [scope for scope in wanted if scope not in row.scopes]
    if row.status != "active" or view["missing_scopes"]:
        view["fix"] = f"Connect the account on {capabilities.name} again."
    return view


def _metricool(known: Known | None) -> dict[str, Any]:
    if known is None:
        return {"status": "not_connected", "fix": None}
    shown = {"blog_id": known.blog_id, "label": known.label, "networks": _networks(known.networks)}
    if known.status == "active":
        return {"status": "connected", **shown, "fix": None}
    return {"status": known.status, **shown, "fix": "Metricool refused the token: connect it again with a new one."}


def _writer(door: Door, environment: Environment) -> dict[str, Any]:
    """Asked for the price of a small task: whoever can name it is set up."""
    assignment = Assignment(stage="strategy", instructions="", task="", answer=StrategyPlan, max_tokens=1)
    try:
        door.ports.get(Writer).upper_bound(assignment, environment)
    except AmpError as error:
        return {"status": "not_configured", "fix": error.message}
    return {"status": "ready", "fix": None}
