"""Services that hold accounts on many platforms (Metricool): whose token we keep, and for which of its brands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from amp.domain.connections.port import AggregatorLogin, Brand
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.database import Row
from amp.kit.errors import Invalid, NotFound
from amp.kit.secrets import SecretKeys


class Integration(Row):
    """One service of a workspace. The token is sealed."""

    __tablename__ = "integrations"

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str]
    blog_id: Mapped[str]
    """The brand, in the service's own word."""
    label: Mapped[str]
    networks: Mapped[dict[str, str | None]] = mapped_column(JSONB)
    token: Mapped[str]
    status: Mapped[str]
    """active, or expired: the service refused the token."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


@dataclass(frozen=True)
class Known:
    """An integration as it is shown, and what it takes to use it."""

    blog_id: str
    label: str
    networks: Mapping[str, str | None]
    status: str
    login: AggregatorLogin


def chosen(brands: Sequence[Brand], blog_id: str) -> Brand:
    """Errors: Invalid, naming the brands there are."""
    for brand in brands:
        if brand.blog_id == blog_id:
            return brand
    there = ", ".join(f"{brand.blog_id} ({brand.label})" for brand in brands) or "none"
    raise Invalid(f"This user has no brand {blog_id}. There are: {there}", param="blog_id")


async def remember(uow: UnitOfWork, secrets: SecretKeys, name: str, login: AggregatorLogin, brand: Brand) -> None:
    """Keep an integration that has just been proven to work, in place of an earlier one."""
    now = uow.clock.now()
    values = {
        "user_id": login.user_id,
        "blog_id": brand.blog_id,
        "label": brand.label,
        "networks": dict(brand.networks),
        "token": secrets.seal(login.user_token.get_secret_value(), row=_row(uow, name)),
        "status": "active",
        "updated_at": now,
    }
    statement = insert(Integration).values(workspace_id=uow.workspace_id, name=name, created_at=now, **values)
    await uow.session.execute(statement.on_conflict_do_update(index_elements=["workspace_id", "name"], set_=values))


async def known(uow: UnitOfWork, secrets: SecretKeys, name: str) -> Known | None:
    found = await uow.session.get(Integration, (uow.workspace_id, name))
    if found is None:
        return None
    token = SecretStr(secrets.unseal(found.token, row=_row(uow, name)))
    return Known(found.blog_id, found.label, found.networks, found.status, AggregatorLogin(token, found.user_id))


async def refused(uow: UnitOfWork, name: str) -> None:
    """The service does not take the token any more: only its owner can repair that."""
    await uow.session.execute(
        update(Integration).where(Integration.name == name).values(status="expired", updated_at=uow.clock.now())
    )


async def forget(uow: UnitOfWork, name: str) -> None:
    """Errors: NotFound."""
    if not await uow.change(delete(Integration).where(Integration.name == name)):
        raise NotFound(f"{name.title()} is not connected")


def _row(uow: UnitOfWork, name: str) -> str:
    """What a sealed token is bound to."""
    return f"{uow.workspace_id}/{name}"
