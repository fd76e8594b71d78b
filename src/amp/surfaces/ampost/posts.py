"""Posts (`/api/v1/posts` of the Ampost contract)."""

from amp.surfaces.surface import Surface

router = Surface("posts")
