"""What the contracts differ in: how an error looks, and how often one may ask."""

from typing import Protocol

from pydantic import BaseModel
from starlette.responses import Response

from amp.domain.tenants.plans import Rates
from amp.kit.errors import AmpError


class Contract(Protocol):
    @property
    def name(self) -> str:
        """Names the rate windows and the metrics."""
        ...

    @property
    def keys_by_plan(self) -> bool:
        """Whether API keys work only on plans that include them."""
        ...

    @property
    def error_model(self) -> type[BaseModel]:
        """The envelope of an error, for the OpenAPI document."""
        ...

    def rates(self, operation: str) -> Rates:
        """How often a workspace may do `operation`, under the name that the route gives it."""
        ...

    def field(self, path: str) -> str:
        """How the contract writes where something is in a request, given its steps with dots between them."""
        ...

    def answer(self, error: AmpError, status: int | None = None) -> Response:
        """The error in this contract's envelope; its status follows from the error unless given."""
        ...
