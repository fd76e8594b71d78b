"""Rows of missions: the objective, its cycles (one pipeline job each), their stages and their slots."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from amp.kit.database import Row


class Mission(Row):
    __tablename__ = "missions"
    __table_args__ = (Index(None, "workspace_id", "status"),)

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str | None]
    status: Mapped[str]
    objectives: Mapped[list[str]]
    platforms: Mapped[list[str]]
    constraints: Mapped[dict[str, Any]]
    kpis: Mapped[list[Any]]
    duration_days: Mapped[int]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    paused_seconds: Mapped[int] = mapped_column(server_default=text("0"))
    """How long it has been paused in all."""
    config_version: Mapped[int] = mapped_column(server_default=text("1"))
    job_id: Mapped[UUID | None]
    """The pipeline job of the current cycle."""
    failure: Mapped[dict[str, Any] | None]
    report: Mapped[dict[str, Any] | None]
    completed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PipelineJob(Row):
    """One cycle: a frozen copy of what it works from, and the window of slots it plans."""

    __tablename__ = "pipeline_jobs"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "mission_id"], ["missions.workspace_id", "missions.id"], ondelete="CASCADE"
        ),
        Index(None, "workspace_id", "mission_id", "cycle", unique=True),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    mission_id: Mapped[UUID]
    cycle: Mapped[int]
    status: Mapped[str]
    config_version: Mapped[int]
    window_start: Mapped[datetime]
    window_end: Mapped[datetime]
    """The stretch of the calendar whose slots this cycle plans, end excluded."""
    brief: Mapped[dict[str, Any] | None]
    strategy: Mapped[dict[str, Any] | None]
    guidance: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class StageRun(Row):
    __tablename__ = "stage_runs"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "job_id"],
            ["pipeline_jobs.workspace_id", "pipeline_jobs.id"],
            ondelete="CASCADE",
        ),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    progress_percent: Mapped[int] = mapped_column(server_default=text("0"))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[dict[str, Any] | None]
    """code, message and remedy: what a person can do."""


class Slot(Row):
    """One place in the calendar for one content item on one platform."""

    __tablename__ = "slots"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "mission_id"], ["missions.workspace_id", "missions.id"], ondelete="CASCADE"
        ),
        Index(None, "workspace_id", "mission_id", "position", unique=True),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    mission_id: Mapped[UUID]
    job_id: Mapped[UUID]
    cycle: Mapped[int]
    position: Mapped[int]
    publish_at: Mapped[datetime]
    """When it is to go out. A person's delay or a pause may have moved it."""
    platform: Mapped[str]
    type: Mapped[str]
    pillar: Mapped[str]
    topic: Mapped[str]
    angle: Mapped[str] = mapped_column(server_default="")
    propensity: Mapped[float | None]
    expected_rate: Mapped[float | None]


class Decision(Row):
    """What the optimiser changed, why, what it expected, and what came of it."""

    __tablename__ = "decisions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "mission_id"], ["missions.workspace_id", "missions.id"], ondelete="CASCADE"
        ),
        Index(None, "workspace_id", "mission_id", "cycle"),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    mission_id: Mapped[UUID]
    cycle: Mapped[int]
    what: Mapped[str]
    why: Mapped[str]
    expected: Mapped[dict[str, Any]]
    outcome: Mapped[dict[str, Any] | None]
    made_at: Mapped[datetime]
