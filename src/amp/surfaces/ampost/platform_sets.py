"""Platform sets (`/api/v1/platform-sets`, and `/api/platforms/sets` as their compatibility twin)."""

from typing import Any
from uuid import UUID

from amp.domain.connections import operations as connections
from amp.domain.connections import sets
from amp.domain.connections.models import PlatformSet
from amp.domain.tenants import queries as tenants
from amp.kit.errors import Invalid
from amp.kit.ids import Kind, decode, encode
from amp.surfaces.actor import By
from amp.surfaces.ampost.wire import Success, Wire, WireBody, user_id
from amp.surfaces.fields import Moment
from amp.surfaces.surface import Actor, Surface, Uow


class NewSet(WireBody):
    name: str


class SetChange(WireBody):
    name: str | None = None
    is_default: bool | None = None
    """True makes this the default in place of the one that was."""


class SetView(Wire):
    id: str
    user_id: str
    name: str
    is_default: bool
    created_at: Moment
    updated_at: Moment


class CountedSetView(SetView):
    connection_count: int


class Sets(Wire):
    sets: list[CountedSetView]


class CreatedSet(Wire):
    set: CountedSetView


class ChangedSet(Wire):
    set: SetView


def _routes(path: str, by: By) -> Surface:
    """The four routes of a set at `path`; both surfaces differ in who may come."""
    router = Surface("platform sets")

    @router.get(path, needs="read", rate="apiRead", by=by)
    async def list_platform_sets(uow: Uow, actor: Actor) -> Sets:
        """All platform sets, with how many active accounts each has."""
        found = await sets.list_sets(uow)
        owner = await tenants.own_owner(uow.session)
        views = [(one, _known(one.platform_set, owner)) for one in found]
        return Sets(sets=[CountedSetView(**known, connection_count=one.connections) for one, known in views])

    @router.post(path, needs="publish", rate="apiRead", by=by)
    async def create_platform_set(uow: Uow, actor: Actor, body: NewSet) -> CreatedSet:
        """A new set. The first becomes the default."""
        created = await sets.create_set(uow, body.name, user_id=actor.owner_id)
        return CreatedSet(set=CountedSetView(**_known(created, actor.owner_id), connection_count=0))

    @router.patch(f"{path}/{{set_id}}", needs="publish", rate="apiRead", by=by)
    async def rename_platform_set(uow: Uow, actor: Actor, set_id: str, body: SetChange) -> ChangedSet:
        """Rename a set, or make it the default."""
        if body.name is None and body.is_default is None:
            raise Invalid("The 'name' field is required", param="name")
        chosen = await _own(uow, actor, set_id)
        if body.name is not None:
            await sets.rename_set(uow, chosen, body.name)
        if body.is_default is False and chosen.is_default:
            raise Invalid("There is always a default set: make another the default", param="isDefault")
        if body.is_default:
            await sets.make_default(uow, chosen)
        return ChangedSet(set=SetView(**_known(chosen, await tenants.own_owner(uow.session))))

    @router.delete(f"{path}/{{set_id}}", needs="publish", rate="apiRead", by=by)
    async def delete_platform_set(uow: Uow, actor: Actor, set_id: str) -> Success:
        """Delete a set: its accounts are disconnected, and what is scheduled for it fails at once."""
        await connections.delete_set(uow, await _own(uow, actor, set_id))
        return Success()

    return router


router = _routes("/platform-sets", "bearer")
compatible = _routes("/platforms/sets", "either")


async def _own(uow: Uow, actor: Actor, set_id: str) -> PlatformSet:
    return await sets.own_set(uow, decode(Kind.PLATFORM_SET, set_id, what="Platform set"), actor)


def _known(one: PlatformSet, owner: UUID | None) -> dict[str, Any]:
    """`owner`: the tenant's, whose is what nobody in particular made."""
    return {
        "id": encode(Kind.PLATFORM_SET, one.id),
        "user_id": user_id(one.user_id or owner),
        "name": one.name,
        "is_default": one.is_default,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }
