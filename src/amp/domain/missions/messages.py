"""What missions ask for and announce."""

from dataclasses import dataclass
from uuid import UUID

from amp.engine.jobs import Message


@dataclass(frozen=True, kw_only=True)
class RunStage(Message):
    """Run, or go on with, one stage of one cycle. Reads the rows first; may come too early or twice."""

    job_id: UUID
    stage: str


@dataclass(frozen=True, kw_only=True)
class StartMission(Message):
    mission_id: UUID


@dataclass(frozen=True, kw_only=True)
class CompleteMission(Message):
    mission_id: UUID
