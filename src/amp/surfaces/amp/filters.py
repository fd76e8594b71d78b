"""Filters of lists: a value that nothing can have is a mistake, and no empty list."""

from amp.domain.publishing.drafting import unknown_platform
from amp.domain.publishing.port import SocialPlatforms
from amp.kit.errors import Invalid
from amp.surfaces.door import Door


def refuse_unknown_platform(door: Door, name: str | None) -> None:
    """Errors: Invalid."""
    social = door.ports.get(SocialPlatforms)
    if name is not None and name not in social.names():
        raise Invalid(unknown_platform(name, social), param="platform")
