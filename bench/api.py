"""How fast the API is: a list of 50 posts and the creation of a draft, over 32 connections with a key.

    python bench/api.py [rounds]

The yardstick is a FastAPI route on Granian that gives the same bytes from memory. Every connection is another
tenant's: one alone would run into the limit of its plan. One web process; the database is the embedded one.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2
import uvloop

from amp.domain.connections import operations as connections
from amp.domain.publishing import operations as publishing
from amp.domain.publishing.draft import Draft, Target
from amp.domain.tenants import operations as tenants
from amp.domain.tenants.operations import KeyRequest
from amp.domain.tenants.queries import workspace_of
from amp.kit.database import SYSTEM, Scope
from amp.kit.ids import Kind, encode
from amp.runtime import Runtime, open_test_workspace
from yardstick import CONNECTIONS, Load, Product, bare_server, load, median, new_product, request, verdict

ROUNDS = 5
SECONDS = 2.5
LENGTH = 50
LIST = f"/api/v1/posts?limit={LENGTH}"
CREATE = "/api/v1/posts"
TEXT = "Friday's release does in one click what took an afternoon. Here is what we changed."


@dataclass(frozen=True)
class Tenant:
    key: str
    set_id: str

    @property
    def draft(self) -> bytes:
        """A post of 200 characters."""
        content = {"text": (TEXT * 3)[:200], "media": [], "linkUrl": None, "platformOverrides": {}}
        post = {"content": content, "platforms": ["twitter"], "scheduledFor": None, "platformSetId": self.set_id}
        return json.dumps(post).encode()


@dataclass(frozen=True)
class Case:
    """One kind of request: to AMP by every tenant, and to the bare route."""

    name: str
    target: float
    ours: Sequence[bytes]
    bare: Sequence[bytes]


async def main(rounds: int) -> None:
    with new_product() as product:
        product.serve("--no-worker")
        async with product.runtime() as runtime:
            customers = [await _new_tenant(runtime) for _ in range(CONNECTIONS)]
        with (
            tempfile.TemporaryDirectory() as answers,
            bare_server(_record(product, customers[0], Path(answers))) as port,
        ):
            size = (Path(answers) / "list.json").stat().st_size
            print(f"API over {CONNECTIONS} connections, one web process, median of {rounds} rounds\n")
            print(f"{'':34}requests/s   p50 ms   p99 ms   generator busy")
            for case in _cases(customers, size):
                await _measure(case, product.port, port, rounds)


def _cases(customers: Sequence[Tenant], size: int) -> list[Case]:
    return [
        Case(
            f"list of {LENGTH}, {size / 1000:.0f} kB",
            0.15,
            [request("GET", LIST, key=tenant.key) for tenant in customers],
            [request("GET", "/list", key=tenant.key) for tenant in customers],
        ),
        Case(
            "create a draft",
            0.08,
            [request("POST", CREATE, key=tenant.key, body=tenant.draft) for tenant in customers],
            [request("POST", "/create", key=tenant.key, body=tenant.draft) for tenant in customers],
        ),
    ]


async def _measure(case: Case, our_port: int, bare_port: int, rounds: int) -> None:
    """Turn by turn, so that whatever else the machine does hits both alike."""
    await load(our_port, case.ours, seconds=1)
    await load(bare_port, case.bare, seconds=0.5)
    ours: list[Load] = []
    bare: list[Load] = []
    for _ in range(rounds):
        bare.append(await load(bare_port, case.bare, seconds=SECONDS / 2))
        ours.append(await load(our_port, case.ours, seconds=SECONDS))
    _print(f"{case.name}: bare", bare)
    _print(f"{case.name}: AMP", ours)
    ratio = median([own.per_second / yard.per_second for own, yard in zip(ours, bare, strict=True)])
    print(f"{'':24}ratio {ratio:.3f}   {verdict(ratio, least=case.target)}\n")


def _print(name: str, loads: Sequence[Load]) -> None:
    fast, p50, p99, busy = (median([getattr(one, field) for one in loads]) for field in Load.__dataclass_fields__)
    print(f"{name:34}{fast:10.0f}{p50 * 1000:9.1f}{p99 * 1000:9.1f}{busy:13.0%}")


def _record(product: Product, tenant: Tenant, directory: str) -> Path:
    """The very bytes of the answers, for the bare server."""
    headers = {"Authorization": f"Bearer {tenant.key}", "Content-Type": "application/json"}
    with httpx2.Client(base_url=product.url, headers=headers, trust_env=False) as client:
        (Path(directory) / "list.json").write_bytes(client.get(LIST).raise_for_status().content)
        created = client.post(CREATE, content=tenant.draft).raise_for_status()
        (Path(directory) / "created.json").write_bytes(created.content)
    return Path(directory)


async def _new_tenant(runtime: Runtime) -> Tenant:
    """A tenant with twice as many posts as a page shows; its test key."""
    async with runtime.units.begin(SYSTEM) as uow:
        made = await tenants.create_tenant(uow, "Acme", plan="enterprise")
        email = f"{made.id.hex}@example.com"
        await tenants.create_user(uow, made.id, email=email, name="Ada", password_hash="none", role="owner")
        _, key = await tenants.create_key(uow, runtime.secrets, made.id, KeyRequest("bench", "test"))
        workspace = await workspace_of(uow.session, made.id, "test")
    await open_test_workspace(runtime, made.id)
    async with runtime.units.begin(Scope(tenant_id=made.id, workspace_id=workspace.id)) as uow:
        chosen = await connections.default_set(uow)
        for number in range(LENGTH * 2):
            target = Target(parts=(f"{TEXT} ({number})",))
            await publishing.create_post(
                uow, Draft({"twitter": target}, text=target.parts[0], platform_set_id=chosen.id)
            )
    return Tenant(key.text, encode(Kind.PLATFORM_SET, chosen.id))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
