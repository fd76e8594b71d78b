"""The mission that the reference uses as its example: what a new user is given to try."""

from typing import Any

SEED_MISSION: dict[str, Any] = {
    "name": "Product Launch Campaign",
    "description": "Generate buzz for new feature release",
    "objectives": ["Announce new feature to existing users", "Drive feature adoption"],
    "platforms": ["twitter", "linkedin"],
    "constraints": {
        "tone": "excited but professional",
        "cadence": "daily",
        "posts_per_day": 3,
        "require_approval": True,
    },
    "kpis": [
        {"metric": "engagement_rate", "target": 5.0, "platform": "all"},
        {"metric": "link_clicks", "target": 1000, "platform": "all"},
    ],
    "duration_days": 14,
    "start_immediately": True,
}
