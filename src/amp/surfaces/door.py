"""What the composition root hands to every surface."""

from dataclasses import dataclass

from amp.domain.tenants.admission import Admissions
from amp.engine.jobs import Ports
from amp.engine.unit_of_work import UnitsOfWork
from amp.kit.secrets import SecretKeys


@dataclass(frozen=True)
class Door:
    units: UnitsOfWork
    admissions: Admissions
    secrets: SecretKeys
    base_url: str
    """How the world reaches this server, without a slash at the end."""
    live_enabled: bool
    """False when the clock is fast: live keys are refused."""
    ports: Ports
