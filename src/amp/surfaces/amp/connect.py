"""Integrations (`/connect/...` of the AMP contract): what is connected, how it is, and what to do about it."""

from typing import Any

from sqlalchemy import select

from amp.domain.connections.models import Connection
from amp.domain.connections.port import SandboxAccounts
from amp.domain.pipeline.port import Assignment, Writer
from amp.domain.pipeline.stages.strategy import StrategyPlan
from amp.domain.publishing.port import Environment, SocialPlatforms
from amp.kit.errors import AmpError
from amp.kit.ids import Kind, encode
from amp.surfaces.door import Door
from amp.surfaces.surface import Actor, AtDoor, Surface, Uow

router = Surface("connect")


@router.get("/connect/status", needs="read")
async def connect_status(uow: Uow, door: AtDoor, actor: Actor) -> dict[str, Any]:
    """Every integration of the workspace: its health, what is missing and how to fix it."""
    connected = {row.platform: row for row in (await uow.session.execute(_CONNECTIONS)).all()}
    platforms = [_platform(door, name, connected.get(name)) for name in door.ports.get(SocialPlatforms).names()]
    status: dict[str, Any] = {"platforms": platforms, "writer": _writer(door, actor.environment)}
    if actor.environment == "test":
        feeds = door.ports.get(SandboxAccounts).feeds(actor.workspace_id)
        status["sandbox"] = {"feeds_url": f"{door.base_url}{feeds}"}
    return status


_CONNECTIONS = (
    select(Connection.id, Connection.platform, Connection.handle, Connection.status, Connection.scopes)
    .where(Connection.status != "revoked")
    .order_by(Connection.id)
)


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


def _writer(door: Door, environment: Environment) -> dict[str, Any]:
    """Asked for the price of a small task: whoever can name it is set up."""
    assignment = Assignment(stage="strategy", instructions="", task="", answer=StrategyPlan, max_tokens=1)
    try:
        door.ports.get(Writer).upper_bound(assignment, environment)
    except AmpError as error:
        return {"status": "not_configured", "fix": error.message}
    return {"status": "ready", "fix": None}
