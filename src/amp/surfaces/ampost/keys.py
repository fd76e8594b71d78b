"""API keys (`/api/keys`, dashboard only): those of the person who is logged in, for the environment of the session."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from amp.domain.tenants import operations as tenants
from amp.domain.tenants import queries
from amp.domain.tenants.models import ApiKey, Environment
from amp.domain.tenants.operations import KeyRequest
from amp.domain.tenants.plans import FEATURES
from amp.kit.errors import Forbidden, NotFound
from amp.kit.ids import Kind, decode, encode
from amp.surfaces.ampost.wire import Success, Wire, WireBody
from amp.surfaces.fields import Moment
from amp.surfaces.surface import Actor, AtDoor, Surface, Uow

router = Surface("keys")


class NewKey(WireBody):
    name: Annotated[str, Field(min_length=1, max_length=100)]


class KeyView(Wire):
    id: str
    name: str
    environment: Environment
    prefix: str
    last_four: str
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None


class Keys(Wire):
    keys: list[KeyView]


class CreatedKey(Wire):
    key: KeyView
    raw_key: str
    """The key itself: shown this once."""


@router.get("/keys", needs="admin", by="cookie", unit="system")
async def list_keys(uow: Uow, actor: Actor) -> Keys:
    """The current user's API keys, newest first, without their secrets."""
    return Keys(keys=[_view(key) for key in await _mine(uow, actor)])


@router.post("/keys", needs="admin", by="cookie", status=201, unit="system", shown_once=("rawKey",))
async def create_key(uow: Uow, door: AtDoor, actor: Actor, body: NewKey) -> CreatedKey:
    """Create an API key for the session's environment. `rawKey` is shown once."""
    if not FEATURES[actor.plan].api_keys:
        message = f"The plan '{actor.plan}' does not include API keys; choose another plan first"
        raise Forbidden(message, code="plan_without_api_keys")
    wanted = tenants.key_request_of(actor, KeyRequest(body.name, actor.environment))
    row, raw = await tenants.create_key(uow, door.secrets, actor.tenant_id, wanted, by=actor.user_id)
    return CreatedKey(key=_view(row), raw_key=raw.text)


@router.delete("/keys/{key_id}", needs="admin", by="cookie", unit="system")
async def revoke_key(uow: Uow, actor: Actor, key_id: str) -> Success:
    """End one of the current user's keys at once."""
    wanted = decode(Kind.KEY, key_id, what="API key")
    if wanted not in {key.id for key in await _mine(uow, actor)}:
        raise NotFound("API key not found")
    await tenants.revoke_key(uow, actor.tenant_id, wanted, [actor.environment])
    return Success()


async def _mine(uow: Uow, actor: Actor) -> Sequence[ApiKey]:
    return await queries.keys_of(uow.session, actor.workspace_id, actor.user_id, of_nobody=actor.role == "owner")


def _view(key: ApiKey) -> KeyView:
    known: dict[str, Any] = {
        "id": encode(Kind.KEY, key.id),
        "name": key.name,
        "environment": queries.environment_of(key),
        "prefix": key.prefix,
        "last_four": key.last_four,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
    }
    return KeyView(**known)
