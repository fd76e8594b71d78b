"""Choosing one of the accounts that a login opened: at Facebook, one of its Pages."""

from starlette.responses import Response

from amp.domain.publishing import connecting
from amp.surfaces.connecting import place_of, require_known, traveller_of
from amp.surfaces.dashboard.visiting import Pages, Visit

pages = Pages()


@pages.get("/accounts/choose/{platform}", needs="publish")
async def show_choice(visit: Visit) -> Response:
    platform, place = visit.part("platform"), place_of(visit.door, visit.actor)
    require_known(visit.door, platform)
    async with visit.unit() as uow:
        found = await connecting.to_choose(uow, place, traveller_of(visit.actor), platform)
    if not found:
        return visit.back("There is nothing to choose from any more. Connect the account again", tone="bad")
    return await visit.show("choose.html", name=visit.social.capabilities(platform).name, found=found)


@pages.post("/accounts/choose/{platform}", needs="publish")
async def choose(visit: Visit) -> Response:
    platform, place = visit.part("platform"), place_of(visit.door, visit.actor)
    require_known(visit.door, platform)
    async with visit.unit() as uow:
        wanted = visit.form.get("account", "")
        chosen = await connecting.choose(uow, place, traveller_of(visit.actor), platform, wanted)
    return visit.back(f"{chosen.display_name} on {visit.social.capabilities(platform).name} is connected")
