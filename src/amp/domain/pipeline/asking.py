"""Asking the writer: reserve the price, call outside any transaction, settle together with the answer.

The answer is stored in the transaction that settles, so a crash never pays twice for a finished call.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import structlog
from pydantic import BaseModel

from amp.domain.pipeline.port import Assignment, Writer, WritingFailed, Written
from amp.domain.spend import operations as spend
from amp.domain.tenants.workspaces import own_environment
from amp.engine.jobs import Job
from amp.engine.unit_of_work import UnitOfWork

Output = TypeVar("Output", bound=BaseModel)
Keep = Callable[[UnitOfWork, Output], Awaitable[None]]


@dataclass(frozen=True)
class Question:
    """Who asks, and what for: `subject` names the thing the answer will be part of."""

    mission_id: UUID
    subject: str


async def ask(job: Job, question: Question, assignment: Assignment[Output], keep: Keep[Output]) -> Output:
    """The writer's answer, after `keep` stored it.

    Errors: OverBudget before anything is spent; ProviderFailed with a remedy; Invalid when no writer is set up.
    """
    writer = job.ports.get(Writer)
    async with job.unit() as uow:
        environment = await own_environment(uow)
        entry = await spend.reserve(
            uow,
            question.mission_id,
            stage=assignment.stage,
            subject=question.subject,
            micros=writer.upper_bound(assignment, environment),
        )
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    try:
        written: Written[Output] = await writer.write(assignment, environment)
    except WritingFailed as failure:
        async with job.unit() as uow:
            await spend.settle(uow, entry, failure.usage, request_id=request_id)
        raise failure.cause from failure
    async with job.unit() as uow:
        await spend.settle(uow, entry, written.usage, request_id=request_id)
        await keep(uow, written.answer)
    return written.answer
