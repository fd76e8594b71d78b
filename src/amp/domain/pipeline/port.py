"""What the pipeline needs from outside: somebody who writes."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from amp.domain.publishing.port import Environment
from amp.domain.spend.port import Usage

Output = TypeVar("Output", bound=BaseModel)


@dataclass(frozen=True)
class Assignment(Generic[Output]):
    """One thing to write: the stable rules first (they are cached by vendors), the task last."""

    stage: str
    instructions: str
    task: str
    answer: type[Output]
    max_tokens: int
    """Upper bound of the answer, in tokens: needed to reserve its price."""


@dataclass(frozen=True)
class Written(Generic[Output]):
    answer: Output
    usage: Usage


class WritingFailed(Exception):
    """The call failed after (perhaps) costing something: `usage` is what is known to have been spent."""

    def __init__(self, usage: Usage, cause: Exception) -> None:
        super().__init__(str(cause))
        self.usage = usage
        self.cause = cause


class Writer(Protocol):
    """Errors: ProviderFailed inside WritingFailed; Invalid (`writer_not_configured`, `price_unknown`)."""

    def upper_bound(self, assignment: Assignment[Output], environment: Environment) -> int:
        """Micro-dollars that this assignment can cost at most, repairs included."""
        ...

    async def write(self, assignment: Assignment[Output], environment: Environment) -> Written[Output]: ...
