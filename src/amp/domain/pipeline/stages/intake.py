"""Intake: from what a person wrote to a brief that the other stages work from, or a reason why not.

The brief is frozen for the cycle: what is changed meanwhile is read at the next intake.
"""

from typing import Any

from pydantic import BaseModel, Field

from amp.domain.connections import operations as connections
from amp.domain.missions.models import Mission
from amp.domain.pipeline.asking import Question, ask
from amp.domain.pipeline.port import Assignment
from amp.domain.pipeline.stages.stage import Cycle, finish, keep
from amp.engine.jobs import Job
from amp.engine.unit_of_work import UnitOfWork


class TopicWords(BaseModel):
    """The words by which a text gives away that it is about an excluded topic."""

    topic: str
    words: list[str] = Field(max_length=12, description="Synonyms and close terms, each one to three words")


class ExcludedWords(BaseModel):
    topics: list[TopicWords]


async def run(job: Job, cycle: Cycle) -> None:
    brief = brief_of(cycle.mission)
    async with job.unit() as uow:
        await connections.resolve(uow, (await connections.default_set(uow)).id, cycle.platforms)
    brief["excluded_words"] = await _excluded_words(job, cycle)
    async with job.unit() as uow:
        await keep(uow, cycle, brief=brief, config_version=cycle.mission.config_version)
        await finish(uow, cycle, "intake")


def brief_of(mission: Mission) -> dict[str, Any]:
    """The mission in one typed piece, blanks trimmed and repetitions removed."""
    objectives = list(dict.fromkeys(" ".join(objective.split()) for objective in mission.objectives))
    return {
        "name": mission.name,
        "description": " ".join((mission.description or "").split()),
        "objectives": objectives,
        "platforms": mission.platforms,
        "voice": mission.constraints.get("tone") or "clear, friendly and concrete",
        "constraints": mission.constraints,
        "kpis": mission.kpis,
    }


async def _excluded_words(job: Job, cycle: Cycle) -> dict[str, list[str]]:
    """By excluded topic the words that betray it: asked once, kept for all cycles that exclude the same."""
    topics = list(cycle.constraints.excluded_topics)
    known: dict[str, list[str]] = cycle.brief.get("excluded_words", {})
    if not topics or set(known) == set(topics):
        return known
    assignment = Assignment(
        stage="intake",
        instructions="You help editors keep excluded topics out of social media posts.",
        task="List the words and short phrases by which a post would touch on each of these topics: "
        + "; ".join(topics),
        answer=ExcludedWords,
        max_tokens=1500,
    )

    async def remember(uow: UnitOfWork, answer: ExcludedWords) -> None:
        await keep(uow, cycle, brief=brief_of(cycle.mission) | {"excluded_words": _by_topic(topics, answer)})

    question = Question(cycle.mission_id, f"{cycle.job_id}/intake/excluded-words")
    return _by_topic(topics, await ask(job, question, assignment, remember))


def _by_topic(topics: list[str], answer: ExcludedWords) -> dict[str, list[str]]:
    given = {each.topic.casefold(): each.words for each in answer.topics}
    return {topic: given.get(topic.casefold(), []) for topic in topics}
