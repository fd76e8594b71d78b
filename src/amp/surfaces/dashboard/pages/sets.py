"""Making, renaming and deleting platform sets, and choosing the default one."""

from uuid import UUID

from starlette.responses import Response

from amp.domain.connections import operations as connections
from amp.domain.connections import sets
from amp.kit.ids import Kind, decode
from amp.surfaces.dashboard.visiting import Pages, Visit

pages = Pages()


@pages.post("/sets", needs="publish")
async def create_set(visit: Visit) -> Response:
    async with visit.unit() as uow:
        created = await sets.create_set(uow, visit.form.get("name", ""), user_id=visit.actor.owner_id)
    return visit.back(f"The set {created.name} is there")


@pages.post("/sets/{set_id}/rename", needs="publish")
async def rename_set(visit: Visit) -> Response:
    async with visit.unit() as uow:
        chosen = await sets.own_set(uow, set_id_of(visit), visit.actor)
        await sets.rename_set(uow, chosen, visit.form.get("name", ""))
    return visit.back(f"The set is called {chosen.name} now")


@pages.post("/sets/{set_id}/default", needs="publish")
async def make_default(visit: Visit) -> Response:
    async with visit.unit() as uow:
        chosen = await sets.own_set(uow, set_id_of(visit), visit.actor)
        await sets.make_default(uow, chosen)
    return visit.back(f"{chosen.name} is the default set now")


@pages.post("/sets/{set_id}/delete", needs="publish")
async def delete_set(visit: Visit) -> Response:
    async with visit.unit() as uow:
        chosen = await sets.own_set(uow, set_id_of(visit), visit.actor)
        await connections.delete_set(uow, chosen)
    return visit.back(f"The set {chosen.name} is gone, and its accounts are disconnected")


def set_id_of(visit: Visit) -> UUID:
    """Errors: NotFound for what is no id of a set."""
    return decode(Kind.PLATFORM_SET, visit.part("set_id"), what="Platform set")
