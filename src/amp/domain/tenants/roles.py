"""Who may do what. Pure: six permissions, and what each role of a person and each scope of a key gives.

read       see everything in the workspace
draft      create and edit what goes nowhere by itself: drafts of posts and missions, content that nobody approved yet
approve    say that content may go out, or may not
publish    make things public or stop them, and change whatever goes out by itself: scheduled posts, approved content,
           missions that have a start
campaigns  spend the advertising budget
admin      keys, people, settings, the sandbox
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from amp.domain.tenants.models import Environment, Plan, Role
from amp.kit.database import Scope
from amp.kit.errors import Forbidden

Permission = Literal["read", "draft", "approve", "publish", "campaigns", "admin"]
KeyScope = Literal["read", "draft", "publish", "campaigns", "admin"]

ALL: frozenset[Permission] = frozenset(("read", "draft", "approve", "publish", "campaigns", "admin"))

OF_ROLES: Mapping[Role, frozenset[Permission]] = {
    "owner": ALL,
    "admin": ALL,
    "editor": ALL - {"admin"},
    "reviewer": frozenset(("read", "approve")),
    "viewer": frozenset(("read",)),
}

OF_SCOPES: Mapping[KeyScope, frozenset[Permission]] = {
    "read": frozenset(("read",)),
    "draft": frozenset(("read", "draft")),
    # Approving content lets it go out: a key that may only draft must not be able to.
    "publish": frozenset(("read", "approve", "publish")),
    "campaigns": frozenset(("read", "campaigns")),
    "admin": frozenset(("read", "admin")),
}


@dataclass(frozen=True)
class Actor:
    """Who is asking, in which workspace: a key, or a person with a session."""

    tenant_id: UUID
    workspace_id: UUID
    environment: Environment
    plan: Plan
    user_id: UUID | None = None
    role: Role | None = None
    session_id: UUID | None = None
    key_id: UUID | None = None
    owner_id: UUID | None = None
    """In whose name: the person, or who made the key, or the tenant's owner."""
    scopes: tuple[KeyScope, ...] = ()
    """Of a key; none given means everything."""

    @property
    def permissions(self) -> frozenset[Permission]:
        if self.role:
            return OF_ROLES[self.role]
        return scope_permissions(self.scopes)

    @property
    def scope(self) -> Scope:
        return Scope(tenant_id=self.tenant_id, workspace_id=self.workspace_id)

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def require(self, permission: Permission, doing: str) -> None:
        """For what an action needs besides its route, as it turns out. Errors: Forbidden, saying what `doing` is."""
        if not self.may(permission):
            raise Forbidden(f"{doing} needs the permission '{permission}'")


def scope_permissions(scopes: Sequence[KeyScope]) -> frozenset[Permission]:
    if not scopes:
        return ALL
    return frozenset(permission for scope in scopes for permission in OF_SCOPES[scope])
