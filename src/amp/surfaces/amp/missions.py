"""Missions (`/missions/...` of the AMP contract)."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field
from sse_starlette import EventSourceResponse
from starlette.responses import PlainTextResponse, Response

from amp.domain.analytics import reports
from amp.domain.missions import operations as missions
from amp.domain.missions import queries
from amp.domain.missions.draft import Constraints, Kpi, MissionDraft
from amp.domain.missions.models import Mission
from amp.domain.missions.port import MissionRules
from amp.domain.publishing.port import SocialPlatforms
from amp.domain.tenants.admission import still_admitted
from amp.domain.tenants.roles import Actor as Who
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import NotFound
from amp.kit.ids import Kind, decode, encode
from amp.surfaces.amp.envelope import Deleted, Listing, Paging, listing
from amp.surfaces.amp.filters import refuse_unknown_platform
from amp.surfaces.door import Door
from amp.surfaces.expand import expansions
from amp.surfaces.fields import Body, Moment, to_wire
from amp.surfaces.surface import Actor, AtDoor, Surface, Uow

router = Surface("missions")

MissionStatus = Literal["draft", "active", "paused", "completed", "failed"]
_EXPANDABLE = ("content", "analytics")


class NewConstraints(Body):
    tone: Annotated[str, Field(max_length=500)] | None = None
    cadence: str = "daily"
    posts_per_day: int = 1
    posting_times: list[str] = Field(default_factory=list, max_length=50)
    timezone: str = "UTC"
    require_approval: bool = False
    budget_cents: Annotated[int, Field(le=10**12)] | None = None
    excluded_topics: list[Annotated[str, Field(max_length=200)]] = Field(default_factory=list)


class NewKpi(Body):
    metric: str
    target: float
    platform: str = "all"


class NewMission(Body):
    name: str
    description: Annotated[str, Field(max_length=5000)] | None = None
    objectives: list[str]
    platforms: list[str]
    constraints: NewConstraints = Field(default_factory=NewConstraints)
    kpis: list[NewKpi] = Field(default_factory=list[NewKpi])
    duration_days: int
    start_immediately: bool = False
    starts_at: Moment | None = None


class ConstraintChanges(Body):
    """Only what is given is changed."""

    tone: Annotated[str, Field(max_length=500)] | None = None
    cadence: str = "daily"
    posts_per_day: int = 1
    posting_times: list[str] = Field(default_factory=list, max_length=50)
    timezone: str = "UTC"
    require_approval: bool = False
    budget_cents: Annotated[int, Field(le=10**12)] | None = None
    excluded_topics: list[Annotated[str, Field(max_length=200)]] = Field(default_factory=list)


class MissionChanges(Body):
    name: str = ""
    description: Annotated[str, Field(max_length=5000)] | None = None
    objectives: list[str] = Field(default_factory=list)
    constraints: ConstraintChanges = Field(default_factory=ConstraintChanges)
    kpis: list[NewKpi] = Field(default_factory=list[NewKpi])
    duration_days: int = 0


class MissionLine(BaseModel):
    """A mission in a list."""

    id: str
    name: str
    status: MissionStatus
    platforms: list[str]
    starts_at: Moment | None
    ends_at: Moment | None
    created_at: Moment


class CreatedMission(MissionLine):
    pipeline_job_id: str | None
    estimated_posts: int


class MissionView(MissionLine):
    description: str | None
    objectives: list[str]
    constraints: dict[str, Any]
    kpis: list[dict[str, Any]]
    duration_days: int
    pipeline_job_id: str | None
    updated_at: Moment
    paused_at: Moment | None = None
    completed_at: Moment | None = None
    failure: dict[str, Any] | None = None
    """Why it failed, and what to do."""
    pending_changes: bool
    """True: objectives or constraints were changed and hold from the next cycle on."""
    changes_apply: dict[str, str]


_APPLY = {
    "name": "immediately",
    "description": "immediately",
    "objectives": "next cycle",
    "constraints": "next cycle",
    "constraints.budget_cents": "immediately",
    "kpis": "next optimization",
    "duration_days": "immediately",
}


@router.get("/missions", needs="read")
async def list_missions(
    uow: Uow, door: AtDoor, paging: Paging, status: MissionStatus | None = None, platform: str | None = None
) -> Listing[MissionLine]:
    """Missions, newest first."""
    refuse_unknown_platform(door, platform)
    page = await queries.list_missions(uow, paging.cursor(Kind.MISSION), status=status, platform=platform)
    return listing(page, lambda row: MissionLine(**_line(row)))


@router.post("/missions", needs="draft", status=201)
async def create_mission(uow: Uow, door: AtDoor, actor: Actor, body: NewMission) -> CreatedMission:
    """Create a mission; with `start_immediately` its pipeline starts in the same transaction. What starts may publish:
    with either start it needs the permission `publish`."""
    if body.start_immediately or body.starts_at:
        actor.require("publish", "Starting a mission")
    draft = MissionDraft(
        name=body.name,
        description=body.description,
        objectives=body.objectives,
        platforms=body.platforms,
        constraints=_constraints(body.constraints),
        kpis=[Kpi(**kpi.model_dump()) for kpi in body.kpis],
        duration_days=body.duration_days,
        starts_at=body.starts_at,
        start_immediately=body.start_immediately,
    )
    rules = door.ports.get(MissionRules)
    known = door.ports.get(SocialPlatforms).names()
    mission = await missions.create_mission(uow, draft, known_platforms=known, cycle_days=rules.cycle_days)
    return CreatedMission(
        **_line(mission),
        pipeline_job_id=_job_id(mission),
        estimated_posts=missions.estimated_posts(mission, now_if_unscheduled=uow.clock.now()),
    )


def _constraints(body: NewConstraints) -> Constraints:
    fields = body.model_dump()
    fields["posting_times"], fields["excluded_topics"] = tuple(body.posting_times), tuple(body.excluded_topics)
    return Constraints(**fields)


@router.get("/missions/{mission_id}", needs="read")
async def get_mission(uow: Uow, mission_id: str, expand: str | None = None) -> dict[str, Any]:
    """The mission; `expand=content,analytics` adds what belongs to it."""
    wanted = expansions(expand, _EXPANDABLE)
    mission = await missions.get_mission(uow, _id(mission_id))
    view = (await _view(uow, mission)).model_dump(mode="json")
    if "content" in wanted:
        view["content"] = await reports.content_lines(uow, mission.id)
    if "analytics" in wanted:
        view["analytics"] = await reports.mission_analytics(uow, mission)
    return view


@router.put("/missions/{mission_id}", needs="draft")
async def update_mission(uow: Uow, actor: Actor, mission_id: str, body: MissionChanges) -> MissionView:
    """Change a mission; constraints merge field by field. `changes_apply` says when each field takes effect. One that
    has a start needs the permission `publish`."""
    before = await _changeable(uow, actor, mission_id)
    mission = await missions.update_mission(uow, before.id, body.model_dump(exclude_unset=True))
    return await _view(uow, mission)


@router.delete("/missions/{mission_id}", needs="draft")
async def delete_mission(uow: Uow, actor: Actor, mission_id: str) -> Deleted:
    """Delete a mission and all its content. What is published stays on the platforms. One that has a start needs the
    permission `publish`."""
    mission = await _changeable(uow, actor, mission_id)
    await missions.delete_mission(uow, mission.id)
    return Deleted(id=mission_id)


async def _changeable(uow: UnitOfWork, actor: Who, mission_id: str) -> Mission:
    """The mission, locked, if this actor may change it: one that has a start goes out by itself."""
    mission = await missions.get_mission(uow, _id(mission_id), lock=True)
    if mission.starts_at is not None:
        actor.require("publish", "Changing a mission that has a start")
    return mission


@router.post("/missions/{mission_id}/start", needs="publish")
async def start_mission(uow: Uow, door: AtDoor, mission_id: str) -> MissionView:
    """Start a draft now."""
    mission = await missions.get_mission(uow, _id(mission_id), lock=True)
    await missions.start(uow, mission, cycle_days=door.ports.get(MissionRules).cycle_days)
    return await _view(uow, mission)


class Paused(BaseModel):
    id: str
    status: MissionStatus
    paused_at: Moment | None


@router.post("/missions/{mission_id}/pause", needs="publish")
async def pause_mission(uow: Uow, mission_id: str) -> Paused:
    """Stop generating, publishing and measuring, and the mission's clock."""
    mission = await missions.pause(uow, _id(mission_id))
    return Paused(id=mission_id, status="paused", paused_at=mission.paused_at)


class Resumed(BaseModel):
    id: str
    status: MissionStatus
    resumed_at: Moment
    adjusted_ends_at: Moment | None


@router.post("/missions/{mission_id}/resume", needs="publish")
async def resume_mission(uow: Uow, mission_id: str) -> Resumed:
    """Go on where it stopped; the end moves by the pause."""
    mission = await missions.resume(uow, _id(mission_id))
    return Resumed(id=mission_id, status="active", resumed_at=mission.updated_at, adjusted_ends_at=mission.ends_at)


@router.get("/missions/{mission_id}/status", needs="read")
async def mission_status(uow: Uow, mission_id: str) -> dict[str, Any]:
    """How far the mission is, right now."""
    return await _status(uow, await missions.get_mission(uow, _id(mission_id)))


@router.get("/missions/{mission_id}/events", needs="read", unit="none")
async def mission_events(door: AtDoor, actor: Actor, mission_id: str) -> Response:
    """The status as server-sent events, one whenever it changes, until the mission is over or gone, or the key or the
    session that asks is."""
    wanted = _id(mission_id)
    async with door.units.begin(actor.scope) as uow:
        await missions.get_mission(uow, wanted)
    return EventSourceResponse(_changes(door, actor, wanted))


async def _changes(door: Door, actor: Who, mission_id: UUID) -> AsyncGenerator[dict[str, str]]:
    last = ""
    while await still_admitted(door.units.database, actor):
        try:
            async with door.units.begin(actor.scope) as uow:
                status = await _status(uow, await missions.get_mission(uow, mission_id))
        except NotFound:
            return
        current = json.dumps(status)
        if current != last:
            yield {"event": "status", "data": current}
            last = current
        if status["status"] in ("completed", "failed"):
            return
        await asyncio.sleep(0.5)


@router.get("/missions/{mission_id}/strategy", needs="read")
async def mission_strategy(uow: Uow, mission_id: str) -> dict[str, Any]:
    """The strategy of the current cycle, with its earlier versions."""
    mission = await missions.get_mission(uow, _id(mission_id))
    versions = await queries.strategies(uow, mission.id)
    nothing: dict[str, Any] = {"version": 0, "summary": None, "pillars": []}
    current = versions[0] if versions else nothing
    return {"mission_id": mission_id, **current, "earlier_versions": versions[1:]}


class DecisionView(BaseModel):
    id: str
    cycle: int
    what: str
    why: str
    expected: dict[str, Any]
    outcome: dict[str, Any] | None
    made_at: Moment


@router.get("/missions/{mission_id}/decisions", needs="read")
async def mission_decisions(uow: Uow, paging: Paging, mission_id: str) -> Listing[DecisionView]:
    """What the optimizer decided, why, what it expected, and what came of it."""
    mission = await missions.get_mission(uow, _id(mission_id))
    page = await queries.decisions(uow, mission.id, paging.cursor(Kind.DECISION))
    return listing(
        page,
        lambda row: DecisionView(
            id=encode(Kind.DECISION, row.id),
            cycle=row.cycle,
            what=row.what,
            why=row.why,
            expected=row.expected,
            outcome=row.outcome,
            made_at=row.made_at,
        ),
    )


@router.get("/missions/{mission_id}/report", needs="read")
async def mission_report(
    uow: Uow,
    mission_id: str,
    format: Annotated[Literal["json", "markdown"], Query()] = "json",  # noqa: A002
) -> Any:
    """The final report of a completed mission, or where it stands so far."""
    mission = await missions.get_mission(uow, _id(mission_id))
    report = mission.report or await reports.final_report(uow, mission)
    if format == "markdown":
        return PlainTextResponse(reports.as_markdown(report), media_type="text/markdown")
    return report


async def _status(uow: UnitOfWork, mission: Mission) -> dict[str, Any]:
    pipeline = asdict(await queries.pipeline_status(uow, mission))
    next_at = await queries.next_publish_at(uow, mission.id) if mission.status == "active" else None
    return {
        "mission_id": encode(Kind.MISSION, mission.id),
        "status": mission.status,
        "pipeline": pipeline | {"job_id": _job_id(mission)},
        "content": await queries.content_counts(uow, mission.id),
        "kpi_progress": await reports.kpi_progress(uow, mission),
        "next_publish_at": to_wire(next_at) if next_at else None,
        "failure": mission.failure,
    }


async def _view(uow: UnitOfWork, mission: Mission) -> MissionView:
    working_from = await queries.current_config_version(uow, mission)
    return MissionView(
        **_line(mission),
        description=mission.description,
        objectives=mission.objectives,
        constraints=mission.constraints,
        kpis=mission.kpis,
        duration_days=mission.duration_days,
        pipeline_job_id=_job_id(mission),
        updated_at=mission.updated_at,
        paused_at=mission.paused_at if mission.status == "paused" else None,
        completed_at=mission.completed_at,
        failure=mission.failure,
        pending_changes=working_from is not None and working_from != mission.config_version,
        changes_apply=_APPLY,
    )


def _line(mission: Any) -> dict[str, Any]:
    """The fields that a list shows, of a mission or of a row with its columns."""
    names = ("name", "status", "platforms", "starts_at", "ends_at", "created_at")
    return {"id": encode(Kind.MISSION, mission.id)} | {name: getattr(mission, name) for name in names}


def _job_id(mission: Mission) -> str | None:
    return encode(Kind.JOB, mission.job_id) if mission.job_id else None


def _id(text: str) -> UUID:
    return decode(Kind.MISSION, text, what="Mission")
