"""What each plan allows, as data: requests per minute or hour, and features."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from amp.domain.tenants.models import Plan

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Rates:
    """How many requests each plan may make in every `period` (real time), for each workspace."""

    period: timedelta
    free: int
    pro: int
    max: int
    enterprise: int

    def of(self, plan: Plan) -> int:
        match plan:
            case "free":
                return self.free
            case "pro":
                return self.pro
            case "max":
                return self.max
            case "enterprise":
                return self.enterprise


AMP_RATES = Rates(MINUTE, free=60, pro=300, max=600, enterprise=6000)

AMPOST_RATES: Mapping[str, Rates] = {
    "createPost": Rates(HOUR, free=30, pro=300, max=1000, enterprise=10_000),
    "publishPost": Rates(HOUR, free=10, pro=100, max=500, enterprise=5000),
    "connectPlatform": Rates(HOUR, free=5, pro=20, max=50, enterprise=500),
    "mediaUpload": Rates(HOUR, free=30, pro=200, max=500, enterprise=5000),
    "apiRead": Rates(MINUTE, free=100, pro=600, max=2000, enterprise=20_000),
}


@dataclass(frozen=True)
class Features:
    api_keys: bool
    """API keys and MCP on the Ampost contract."""


FEATURES: Mapping[Plan, Features] = {
    "free": Features(api_keys=False),
    "pro": Features(api_keys=True),
    "max": Features(api_keys=True),
    "enterprise": Features(api_keys=True),
}
