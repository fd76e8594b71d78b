"""Rows of analytics: what is watched, samples as the vendor reported them, hourly deltas, insights."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from amp.domain.analytics.metrics import ENGAGEMENTS
from amp.kit.database import Row

ZERO = text("0")


class Counters:
    """The nine counters, in every table that holds any."""

    impressions: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    reach: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    likes: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    comments: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    shares: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    clicks: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    saves: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    video_views: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    followers_gained: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)


class TrackedPost(Counters, Row):
    """A published item of a mission, with the latest counters known of it."""

    __tablename__ = "tracked_posts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "mission_id"], ["missions.workspace_id", "missions.id"], ondelete="CASCADE"
        ),
        Index("tracked_posts_due_idx", "next_sample_at", postgresql_where=text("next_sample_at IS NOT NULL")),
        Index(None, "workspace_id", "mission_id", "published_at"),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    platform_post_id: Mapped[UUID] = mapped_column(primary_key=True)
    mission_id: Mapped[UUID]
    content_id: Mapped[UUID]
    connection_id: Mapped[UUID]
    platform: Mapped[str]
    remote_id: Mapped[str]
    type: Mapped[str]
    pillar: Mapped[str]
    topic: Mapped[str]
    published_at: Mapped[datetime]
    sampled_at: Mapped[datetime | None]
    """When the counters were read last; None: never."""
    next_sample_at: Mapped[datetime | None]
    """None: nothing more to collect."""


class MetricSample(Counters, Row):
    """What the vendor reported at one moment: cumulative, append-only, never corrected."""

    __tablename__ = "metric_samples"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "platform_post_id"],
            ["tracked_posts.workspace_id", "tracked_posts.platform_post_id"],
            ondelete="CASCADE",
        ),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    platform_post_id: Mapped[UUID] = mapped_column(primary_key=True)
    observed_at: Mapped[datetime] = mapped_column(primary_key=True)


class HourlyRollup(Counters, Row):
    """Signed deltas by hour of observation, kept in the transaction of the sample. `posts` counts items by
    the hour they were published in. Every aggregate is a sum of these."""

    __tablename__ = "hourly_rollups"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "mission_id"], ["missions.workspace_id", "missions.id"], ondelete="CASCADE"
        ),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    mission_id: Mapped[UUID] = mapped_column(primary_key=True)
    platform: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(primary_key=True)
    pillar: Mapped[str] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    posts: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)


class Insight(Row):
    __tablename__ = "insights"
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
    type: Mapped[str]
    insight: Mapped[str]
    confidence: Mapped[float]
    evidence: Mapped[dict[str, Any]]
    """lift, interval and the number of posts on each side."""
    created_at: Mapped[datetime]


def engagements_in_sql() -> Any:
    """What `metrics.engagements` sums, of tracked posts."""
    first, *others = (getattr(TrackedPost, name) for name in ENGAGEMENTS)
    return sum(others, first)
