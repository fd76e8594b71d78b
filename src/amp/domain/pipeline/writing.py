"""Writing one item: draft, gates, at most two rewrites with the reasons, then a person's attention.

    draft ─> gates ─┬─ all pass ─> pending_review, or approved when no approval is required
      ^             ├─ unsure ───> a model is asked; what stays unsure goes to a person
      └── rewrite ──┴─ fail

Every draft is stored in the transaction that pays for it, so a crash never pays twice: a run that starts anew
goes on from the last draft.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import select

from amp.domain.content import operations as content_operations
from amp.domain.content.approval import content_hash
from amp.domain.content.links import normalise_hashtags, tag_link, with_hashtags
from amp.domain.content.messages import ContentRejected
from amp.domain.content.models import Content
from amp.domain.missions import cycles
from amp.domain.missions import operations as missions
from amp.domain.missions.port import MissionRules
from amp.domain.pipeline import gates
from amp.domain.pipeline.asking import Question, ask
from amp.domain.pipeline.gates import Proposal, Topic, Verdict
from amp.domain.pipeline.messages import WriteContent
from amp.domain.pipeline.port import Assignment
from amp.domain.pipeline.runner import current_cycle, explained
from amp.domain.pipeline.similarity import Earlier
from amp.domain.pipeline.stages import content as content_stage
from amp.domain.pipeline.stages.stage import Cycle
from amp.domain.platforms.port import Capabilities
from amp.domain.publishing.port import SocialPlatforms
from amp.engine.jobs import Job, handles
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import NotFound, OverBudget
from amp.kit.ids import Kind, encode

REWRITES = 2
_REMEMBERED = timedelta(days=90)


class WrittenPost(BaseModel):
    text: str = Field(description="The post itself, without hashtags")
    hashtags: list[str] = Field(default_factory=list, max_length=3)


class WrittenThread(BaseModel):
    parts: list[str] = Field(min_length=2, max_length=6, description="The posts of the thread, in order")
    hashtags: list[str] = Field(default_factory=list, max_length=2)


@dataclass(frozen=True)
class Desk:
    """Everything one item is written with."""

    job: Job
    cycle: Cycle
    content: Content
    capabilities: Capabilities
    earlier: tuple[Earlier, ...]

    @property
    def question(self) -> str:
        return f"{self.cycle.job_id}/content/{self.content.id}"


async def writing_gave_up(message: WriteContent, job: Job, error: Exception) -> None:
    """No writer, no budget, or a vendor that stays down: the stage stops and says so, drafts are kept."""
    async with job.unit() as uow:
        try:
            content = await content_operations.get_content(uow, message.content_id, lock=True)
        except NotFound:
            return
        mission = await missions.get_mission(uow, content.mission_id)
        if content.status != "generating" or mission.status != "active" or mission.job_id is None:
            return
        failure = {"stage": "content", **explained(error)}
        runs = await cycles.stage_runs(
            uow, await uow.session.get_one(cycles.PipelineJob, (uow.workspace_id, mission.job_id))
        )
        runs["content"].status = "budget_exhausted" if isinstance(error, OverBudget) else "failed"
        runs["content"].error = failure
        await missions.fail(uow, mission.id, failure)


@handles(WriteContent, gave_up=writing_gave_up)
async def write_content(message: WriteContent, job: Job) -> None:
    desk = await _sit_down(message, job)
    if desk is None:
        return
    verdicts = await _draft_until_good(desk)
    async with job.unit() as uow:
        await _put_away(uow, desk, verdicts)


@handles(ContentRejected)
async def write_again(message: ContentRejected, job: Job) -> None:
    """A person turned an item down and wants another."""
    if message.regenerate:
        async with job.unit() as uow:
            again = WriteContent(workspace_id=uow.workspace_id, content_id=message.content_id)
            await uow.defer(again, once=f"write:{message.content_id}")


async def _sit_down(message: WriteContent, job: Job) -> Desk | None:
    """Read what is needed; None when there is nothing (any more) to write."""
    async with job.unit() as uow:
        content = await uow.session.get(Content, (uow.workspace_id, message.content_id))
        if content is None or content.status != "generating":
            return None
        mission = await missions.get_mission(uow, content.mission_id)
        cycle = await current_cycle(uow, mission.job_id) if mission.job_id else None
        if cycle is None:
            return None
        since = uow.clock.now() - _REMEMBERED
        others = select(Content.id, Content.parts).where(
            Content.mission_id == content.mission_id,
            Content.platform == content.platform,
            Content.id != content.id,
            Content.status != "generating",
            Content.created_at > since,
        )
        rows = (await uow.session.execute(others)).all()
    earlier = tuple(Earlier(encode(Kind.CONTENT, row.id), "\n\n".join(row.parts)) for row in rows)
    capabilities = job.ports.get(SocialPlatforms).capabilities(content.platform)
    return Desk(job, cycle, content, capabilities, earlier)


async def _draft_until_good(desk: Desk) -> list[Verdict]:
    """Draft, judge, rewrite; the verdicts on the last draft."""
    drafts: list[dict[str, Any]] = desk.content.writing.get("drafts", [])
    reasons: list[str] = []
    while True:
        if len(drafts) <= len(reasons):
            drafts = await _draft(desk, drafts, reasons)
        verdicts = await _judge(desk, proposal_of(desk, drafts[len(reasons)]))
        failed = [verdict for verdict in verdicts if verdict.outcome == "fail"]
        if not failed or len(reasons) == REWRITES:
            return verdicts
        reasons.append("; ".join(f"{verdict.reason} ({', '.join(verdict.evidence)})" for verdict in failed))


async def _draft(desk: Desk, drafts: Sequence[dict[str, Any]], reasons: Sequence[str]) -> list[dict[str, Any]]:
    content = desk.content
    answer = WrittenThread if content.type == "thread" else WrittenPost
    assignment: Assignment[Any] = Assignment(
        stage="content",
        instructions=_instructions(desk),
        task=_task(desk, drafts, reasons),
        answer=answer,
        max_tokens=2500 if content.type == "thread" else 1200,
    )
    stored: list[dict[str, Any]] = list(drafts)

    async def keep(uow: UnitOfWork, written: WrittenPost | WrittenThread) -> None:
        stored.append(written.model_dump())
        row = await content_operations.get_content(uow, content.id, lock=True)
        row.writing = row.writing | {"drafts": stored}
        if desk.job.ports.get(MissionRules).keep_prompts:
            prompt = {"instructions": assignment.instructions, "task": assignment.task}
            row.writing = row.writing | {"prompts": [*row.writing.get("prompts", []), prompt]}

    question = Question(desk.cycle.mission_id, f"{desk.question}/draft-{len(drafts) + 1}")
    await ask(desk.job, question, assignment, keep)
    return stored


def _instructions(desk: Desk) -> str:
    """The stable part: who writes, for whom, in what voice."""
    brief = desk.cycle.brief
    excluded = desk.cycle.constraints.excluded_topics
    lines = [
        "You write social media posts for one campaign. Write like a person who knows the subject.",
        f"Campaign: {brief['name']}. {brief['description']}",
        "Objectives: " + "; ".join(brief["objectives"]),
        f"Voice: {brief['voice']}",
        f"Idea: {desk.cycle.strategy['summary']}",
        "Use no placeholders, no invented numbers, names or links.",
        "Never touch these topics: " + "; ".join(excluded) if excluded else "",
    ]
    return "\n".join(line for line in lines if line)


def _task(desk: Desk, drafts: Sequence[dict[str, Any]], reasons: Sequence[str]) -> str:
    content = desk.content
    pillar = next((p for p in desk.cycle.strategy["pillars"] if p["name"] == content.pillar), None)
    room = room_for_text(desk.capabilities)
    what = "a thread of 2 to 5 posts" if content.type == "thread" else "one post"
    lines = [
        f"Write {what} for {desk.capabilities.name}, each post at most {room} {desk.capabilities.text.unit}.",
        f"Pillar: {content.pillar}. {pillar['angle']}" if pillar else f"Pillar: {content.pillar}",
        f"Topic: {content.topic}",
        f"This is item {encode(Kind.CONTENT, content.id)[-6:]} of cycle {content.cycle}; say something new.",
        f"A reviewer turned an earlier version down: {content.writing['reason']}"
        if content.writing.get("reason")
        else "",
    ]
    if reasons:
        lines.append(f"Your last draft was: {drafts[-1]}. Rewrite it, because: {reasons[-1]}")
    return "\n".join(line for line in lines if line)


def room_for_text(capabilities: Capabilities) -> int:
    """What is left of the platform's limit after hashtags and a link; nobody reads longer than 1,200 anyway."""
    return min(capabilities.text.limit - 60, 1200)


def proposal_of(desk: Desk, draft: dict[str, Any]) -> Proposal:
    """A draft as it would be published: hashtags normalised and part of the text, the link tagged."""
    content = desk.content
    texts = [part.strip() for part in draft.get("parts", [draft.get("text", "")])]
    hashtags = normalise_hashtags(draft.get("hashtags", []))
    return Proposal(
        type=content.type,
        pillar=content.pillar,
        topic=content.topic,
        parts=(with_hashtags(texts[0], hashtags), *texts[1:]),
        hashtags=hashtags,
        link=content.link_url,
    )


async def _judge(desk: Desk, proposal: Proposal) -> list[Verdict]:
    pillars = [pillar["name"] for pillar in desk.cycle.strategy["pillars"]]
    verdicts = [gates.shape_gate(proposal, pillars=pillars), gates.platform_gate(proposal, desk.capabilities)]
    if any(verdict.outcome == "fail" for verdict in verdicts):
        return verdicts  # cheap and certain first: no call is spent on what will be rewritten anyway
    return [*verdicts, await _judge_topics(desk, proposal), await _judge_novelty(desk, proposal)]


async def _judge_topics(desk: Desk, proposal: Proposal) -> Verdict:
    words: dict[str, list[str]] = desk.cycle.brief.get("excluded_words", {})
    topics = [Topic(name, tuple(words.get(name, ()))) for name in desk.cycle.constraints.excluded_topics]
    verdict = gates.topics_gate(proposal.text, topics)
    if verdict.outcome == "fail" or not topics:
        return verdict
    assignment = Assignment(
        stage="content",
        instructions="You check whether a post touches excluded topics. Answer for every topic; quote exactly.",
        task="Topics: " + "; ".join(topic.name for topic in topics) + f"\nThe post:\n{proposal.text}",
        answer=gates.topic_answers(topics),
        max_tokens=800,
    )
    answers = await ask(desk.job, _check(desk, "topics"), assignment, _nothing)
    return gates.topics_verdict(answers, topics, proposal.text)


async def _judge_novelty(desk: Desk, proposal: Proposal) -> Verdict:
    verdict = gates.duplicate_gate(proposal.text, desk.earlier)
    if verdict.outcome != "unsure":
        return verdict
    other = next(each for each in desk.earlier if each.content_id in verdict.evidence)
    assignment = Assignment(
        stage="content",
        instructions="You compare two posts. Would a reader of the first learn nothing new from the second?",
        task=f"First:\n{other.text}\n\nSecond:\n{proposal.text}",
        answer=gates.SameMessage,
        max_tokens=400,
    )
    answer = await ask(desk.job, _check(desk, "novelty"), assignment, _nothing)
    return gates.same_message_verdict(answer, other)


def _check(desk: Desk, what: str) -> Question:
    return Question(desk.cycle.mission_id, f"{desk.question}/{what}")


async def _nothing(uow: UnitOfWork, answer: BaseModel) -> None:
    """A check leaves nothing behind but its verdict, which is stored with the item."""


async def _put_away(uow: UnitOfWork, desk: Desk, verdicts: Sequence[Verdict]) -> None:
    """Store the last draft with its verdicts and say where it goes from here."""
    content = await content_operations.get_content(uow, desk.content.id, lock=True)
    if content.status != "generating":
        return
    if content.link_url:
        name = desk.cycle.name
        content.link_url = tag_link(
            content.link_url, platform=content.platform, mission_name=name, content_id=encode(Kind.CONTENT, content.id)
        )
    proposal = proposal_of(replace(desk, content=content), content.writing["drafts"][-1])
    content.parts, content.hashtags = list(proposal.parts), list(proposal.hashtags)
    content.verdicts = [asdict(verdict) | {"evidence": list(verdict.evidence)} for verdict in verdicts]
    content.hash = content_hash(content)
    content.updated_at = uow.clock.now()
    await _decide(uow, desk, content, verdicts)
    await uow.session.flush()
    await content_stage.conclude(uow, desk.cycle)


async def _decide(uow: UnitOfWork, desk: Desk, content: Content, verdicts: Sequence[Verdict]) -> None:
    outcomes = {verdict.outcome for verdict in verdicts}
    if "fail" in outcomes:
        content.status = "needs_attention"
        reasons = [verdict.reason for verdict in verdicts if verdict.outcome == "fail"]
        content.error = {"code": "quality_gates", "message": "; ".join(reasons)}
    elif "unsure" in outcomes or desk.cycle.constraints.require_approval:
        content.status = "pending_review"
    else:
        await content_operations.accept(uow, content)
