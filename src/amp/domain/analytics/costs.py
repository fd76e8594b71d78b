"""What the writing costs, from the spend ledger: `GET /analytics/costs` of the seed. Summed in micro-dollars, rounded
to cents only where they are shown; a reservation counts when it is settled or its answer is given up."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Select, func, select

from amp.domain.analytics.overview import within
from amp.domain.analytics.periods import Period, buckets
from amp.domain.analytics.totals import Totals, total
from amp.domain.content.models import Content
from amp.domain.missions import operations as missions
from amp.domain.missions.models import Mission
from amp.domain.spend.models import Budget, SpendEntry
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.ids import Kind, encode
from amp.kit.money import micros_to_cents

_TRAILING: Final = timedelta(days=7)
_MICROS: Final = func.coalesce(func.sum(SpendEntry.micros), 0).label("micros")


async def costs(uow: UnitOfWork, period: Period) -> dict[str, Any]:
    published = await total(uow, within(period))
    spent = await _spent(uow, period)
    by_day = await _by_day(uow, period)
    return {
        "period": str(period),
        "summary": await _summary(uow, spent, published),
        "by_provider": await _by_provider(uow, period),
        "by_mission": await _by_mission(uow, period),
        "by_stage": _by_stage(await _grouped(uow, period, SpendEntry.stage), spent),
        "time_series": [{"date": day, "cost_cents": micros_to_cents(micros)} for day, micros in by_day.items()],
        "projections": await _projections(uow, period),
    }


def _counted(period: Period | None, *columns: Any) -> Select[*tuple[Any, ...]]:
    query = select(*columns).where(SpendEntry.status.in_(("settled", "assumed")))
    if period is None:
        return query
    return query.where(SpendEntry.created_at >= period.since, SpendEntry.created_at < period.until)


async def _spent(uow: UnitOfWork, period: Period) -> int:
    return int(await uow.session.scalar(_counted(period, _MICROS)) or 0)


async def _grouped(uow: UnitOfWork, period: Period, by: Any) -> dict[Any, int]:
    rows = await uow.session.execute(_counted(period, by.label("key"), _MICROS).group_by(by).order_by(_MICROS.desc()))
    return {row.key: int(row.micros) for row in rows}


async def _summary(uow: UnitOfWork, spent: int, published: Totals) -> dict[str, Any]:
    limit, committed = await _budgets(uow)
    impressions = published.counters["impressions"]
    return {
        "total_cost_cents": micros_to_cents(spent),
        "budget_limit_cents": None if limit is None else micros_to_cents(limit),
        "budget_used_percent": round(100 * committed / limit, 1) if limit else None,
        "cost_per_post_cents": micros_to_cents(spent // published.posts) if published.posts else None,
        "cost_per_1k_impressions_cents": micros_to_cents(1000 * spent // impressions) if impressions else None,
    }


async def _budgets(uow: UnitOfWork) -> tuple[int | None, int]:
    """The limits of the missions that are not over, together, and what is committed of them; no limit when one of
    them has none."""
    query = (
        select(
            func.sum(Budget.limit_micros),
            func.sum(Budget.committed_micros),
            func.bool_or(Budget.limit_micros.is_(None)),
        )
        .join(Mission, (Mission.workspace_id == Budget.workspace_id) & (Mission.id == Budget.mission_id))
        .where(Mission.status.in_(("active", "paused")))
    )
    limit, committed, unlimited = (await uow.session.execute(query)).one()
    return (None if unlimited or limit is None else int(limit)), int(committed or 0)


async def _by_provider(uow: UnitOfWork, period: Period) -> list[dict[str, Any]]:
    tokens = func.sum(SpendEntry.input_tokens + SpendEntry.output_tokens).label("tokens")
    columns = (SpendEntry.provider, SpendEntry.kind, _MICROS, func.sum(SpendEntry.requests).label("requests"), tokens)
    query = _counted(period, *columns).group_by(SpendEntry.provider, SpendEntry.kind).order_by(_MICROS.desc())
    return [
        {
            "provider": row.provider or "unknown",
            "type": row.kind,
            "cost_cents": micros_to_cents(int(row.micros)),
            "requests": int(row.requests),
            "tokens_used": int(row.tokens),
        }
        for row in await uow.session.execute(query)
    ]


async def _by_mission(uow: UnitOfWork, period: Period) -> list[dict[str, Any]]:
    spent = await _grouped(uow, period, SpendEntry.mission_id)
    names = await missions.names_of(uow, {mission_id for mission_id in spent if mission_id})
    written = (
        select(Content.mission_id, func.count())
        .where(Content.created_at >= period.since, Content.created_at < period.until)
        .group_by(Content.mission_id)
    )
    posts = {row[0]: row[1] for row in await uow.session.execute(written)}
    return [
        {
            "mission_id": encode(Kind.MISSION, mission_id),
            "mission_name": names.get(mission_id),
            "cost_cents": micros_to_cents(micros),
            "posts_generated": posts.get(mission_id, 0),
        }
        for mission_id, micros in spent.items()
        if mission_id
    ]


def _by_stage(spent: Mapping[str, int], whole: int) -> dict[str, Any]:
    return {
        stage: {"cost_cents": micros_to_cents(micros), "percent": round(100 * micros / whole, 1) if whole else 0.0}
        for stage, micros in spent.items()
    }


async def _by_day(uow: UnitOfWork, period: Period) -> dict[str, int]:
    local = func.timezone(period.zone.key, SpendEntry.created_at)
    spent = await _grouped(uow, period, func.to_char(local, "YYYY-MM-DD"))
    return {day: spent.get(day, 0) for day in buckets(period, "day")}


async def _projections(uow: UnitOfWork, period: Period) -> dict[str, Any]:
    """From the mean of the last seven days. Nothing is said of an end that is not in sight."""
    now = uow.clock.now()
    recent = _counted(None, _MICROS).where(SpendEntry.created_at > now - _TRAILING)
    daily = int(await uow.session.scalar(recent) or 0) / _TRAILING.days
    today = now.astimezone(period.zone).date()
    days = _days_left(await _budgets(uow), daily)
    return {
        "monthly_projected_cents": micros_to_cents(round(daily * monthrange(today.year, today.month)[1])),
        "budget_exhaustion_date": None if days is None else (today + timedelta(days=days)).isoformat(),
        "days_until_limit": days,
    }


def _days_left(budgets: Sequence[int | None], daily: float) -> int | None:
    limit, committed = budgets
    if limit is None or not daily:
        return None
    left = int(max(0, limit - (committed or 0)) / daily)
    return left if left < 36_500 else None
