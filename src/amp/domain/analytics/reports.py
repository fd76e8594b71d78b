"""What a mission achieved, as the contract shows it: analytics, KPI progress, the final report."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from amp.domain.analytics.insights import best_day, best_time, find_insights
from amp.domain.analytics.metrics import rewards_per_impression
from amp.domain.analytics.models import Insight
from amp.domain.analytics.progress import Kpi, Progress, measure_progress
from amp.domain.analytics.totals import Totals, Which, as_row, total, totals
from amp.domain.analytics.watched import observation, published_post, targets, watched_posts
from amp.domain.content.approval import UNSENT
from amp.domain.content.models import Content
from amp.domain.missions import operations as missions
from amp.domain.missions.calendar import slots_between
from amp.domain.missions.models import Mission, PipelineJob
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.ids import Kind, encode


async def mission_analytics(uow: UnitOfWork, mission: Mission) -> dict[str, Any]:
    """`GET /analytics/missions/:id` of the seed."""
    which = Which(mission_id=mission.id)
    sums = await total(uow, which)
    return {
        "mission_id": encode(Kind.MISSION, mission.id),
        "mission_name": mission.name,
        "period": _period(uow, mission),
        "status": mission.status,
        "progress_percent": elapsed_percent(mission, uow.clock.now()),
        "summary": await _summary(uow, mission, sums),
        "kpi_progress": await kpi_progress(uow, mission),
        "content_performance": {
            "by_pillar": [as_row(each, "pillar") for each in await totals(uow, which, by=("pillar",))],
            "by_type": [as_row(each, "type") for each in await totals(uow, which, by=("type",))],
        },
        "optimization_insights": await insights(uow, mission.id),
    }


def _period(uow: UnitOfWork, mission: Mission) -> dict[str, str]:
    start = mission.starts_at or mission.created_at
    end = min(uow.clock.now(), mission.ends_at) if mission.ends_at else uow.clock.now()
    return {"start": start.date().isoformat(), "end": max(start, end).date().isoformat()}


def elapsed_percent(mission: Mission, now: datetime) -> int:
    """How much of the mission's time has passed, pauses left out."""
    if mission.starts_at is None or mission.ends_at is None or mission.status == "draft":
        return 0
    if mission.status == "completed":
        return 100
    until = mission.paused_at or now
    length = (mission.ends_at - mission.starts_at).total_seconds() - mission.paused_seconds
    elapsed = (until - mission.starts_at).total_seconds() - mission.paused_seconds
    return max(0, min(100, int(100 * elapsed / length)))


async def _summary(uow: UnitOfWork, mission: Mission, sums: Totals) -> dict[str, Any]:
    scheduled = select(func.count()).where(Content.mission_id == mission.id, Content.status == "scheduled")
    return {
        "posts_published": sums.posts,
        "posts_scheduled": await uow.session.scalar(scheduled) or 0,
        "total_impressions": sums.counters["impressions"],
        "total_engagements": sums.engagements,
        "engagement_rate": sums.engagement_rate,
        "link_clicks": sums.counters["clicks"],
        **await _best_times(uow, mission),
    }


async def _best_times(uow: UnitOfWork, mission: Mission) -> dict[str, Any]:
    """The best day and time if there is evidence, else null; what merely came out on top is marked as such."""
    observed = [observation(row, mission) for row in await watched_posts(uow, mission)]
    per_impression = rewards_per_impression(targets(mission))
    said = find_insights(observed, now=uow.clock.now(), per_impression=per_impression)
    day, time = best_day(observed, said), best_time(observed, said)
    return {
        "best_performing_day": day.value,
        "best_performing_time": time.value,
        "best_performing_day_so_far": day.descriptive,
        "best_performing_time_so_far": time.descriptive,
    }


async def kpi_progress(uow: UnitOfWork, mission: Mission) -> list[dict[str, Any]]:
    """Where the mission stands with each KPI and where it will end, with an 80 % interval."""
    if not mission.kpis:
        return []
    posts = [published_post(row) for row in await watched_posts(uow, mission)]
    remaining = await posts_to_come(uow, mission)
    return [_kpi(measure_progress(Kpi(**kpi), posts, remaining=remaining), kpi["platform"]) for kpi in mission.kpis]


def _kpi(progress: Progress, platform: str) -> dict[str, Any]:
    low, high = progress.projected_low, progress.projected_high
    return {
        "metric": progress.metric,
        "target": progress.target,
        "platform": platform,
        "current": progress.current,
        "progress_percent": progress.progress_percent,
        "status": progress.status,
        "projected_final": progress.projected_final,
        "projected_interval_80": None if low is None else [low, high],
        "trend": progress.trend,
    }


async def posts_to_come(uow: UnitOfWork, mission: Mission) -> dict[str, int]:
    """How many posts are still planned on each platform: what is unsent, and the slots of the cycles to come."""
    if mission.status in ("completed", "draft") or mission.starts_at is None or mission.ends_at is None:
        return {}
    unsent = select(Content.platform, func.count()).where(Content.mission_id == mission.id, Content.status.in_(UNSENT))
    counts = {row[0]: row[1] for row in await uow.session.execute(unsent.group_by(Content.platform))}
    planned_until = select(func.max(PipelineJob.window_end)).where(PipelineJob.mission_id == mission.id)
    after = await uow.session.scalar(planned_until) or mission.starts_at
    rhythm = missions.constraints_of(mission.constraints).rhythm(mission.starts_at)
    ahead = len(slots_between(rhythm, after, mission.ends_at))
    each, left = divmod(ahead, len(mission.platforms))
    return {
        name: counts.get(name, 0) + each + (1 if index < left else 0) for index, name in enumerate(mission.platforms)
    }


async def insights(uow: UnitOfWork, mission_id: UUID) -> list[dict[str, Any]]:
    """The insights of the latest cycle that had any; an empty list is honest."""
    newest = select(func.max(Insight.cycle)).where(Insight.mission_id == mission_id).scalar_subquery()
    query = (
        select(Insight)
        .where(Insight.mission_id == mission_id, Insight.cycle == newest)
        .order_by(Insight.confidence.desc())
    )
    found = (await uow.session.execute(query)).scalars()
    return [
        {"type": each.type, "insight": each.insight, "confidence": round(each.confidence, 2), **each.evidence}
        for each in found
    ]


async def content_lines(uow: UnitOfWork, mission_id: UUID) -> list[dict[str, Any]]:
    """A mission's content in short, for `expand=content`."""
    columns = (Content.id, Content.platform, Content.type, Content.pillar, Content.status, Content.publish_at)
    query = (
        select(*columns, Content.url).where(Content.mission_id == mission_id).order_by(Content.publish_at).limit(1000)
    )
    return [
        {
            "id": encode(Kind.CONTENT, row.id),
            "platform": row.platform,
            "type": row.type,
            "pillar": row.pillar,
            "status": row.status,
            "publish_at": row.publish_at.isoformat().replace("+00:00", "Z") if row.publish_at else None,
            "url": row.url,
        }
        for row in (await uow.session.execute(query)).all()
    ]


async def final_report(uow: UnitOfWork, mission: Mission) -> dict[str, Any]:
    """What is kept of a mission when it is over; before that, where it stands."""
    return {"generated_at": uow.clock.now().isoformat().replace("+00:00", "Z"), **await mission_analytics(uow, mission)}


def as_markdown(report: dict[str, Any]) -> str:
    """The report for people."""
    summary, lines = report["summary"], [f"# {report['mission_name']}", ""]
    lines += [f"{report['period']['start']} to {report['period']['end']}, {report['status']}.", "", "## Summary", ""]
    lines += [f"- {name.replace('_', ' ')}: {value}" for name, value in summary.items() if value is not None]
    lines += ["", "## KPIs", ""]
    lines += [_kpi_line(kpi) for kpi in report["kpi_progress"]]
    lines += ["", "## What we learned", ""]
    found = report["optimization_insights"]
    lines += [f"- {each['insight']} (confidence {each['confidence']})" for each in found] or ["Not enough data."]
    return "\n".join(lines) + "\n"


def _kpi_line(kpi: dict[str, Any]) -> str:
    reached = "no data yet" if kpi["current"] is None else f"{kpi['current']} of {kpi['target']} ({kpi['status']})"
    return f"- {kpi['metric']}: {reached}"
