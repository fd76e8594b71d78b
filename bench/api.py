"""How fast the API is: a list of 50 items of content and the creation of a draft, over 32 connections with a key.

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

from amp.domain.content.models import Content
from amp.domain.missions import operations as missions
from amp.domain.missions.draft import Constraints, MissionDraft
from amp.domain.tenants import operations as tenants
from amp.domain.tenants.operations import KeyRequest
from amp.domain.tenants.queries import workspace_of
from amp.kit.database import SYSTEM, Scope
from amp.kit.ids import new_id
from amp.runtime import Runtime
from yardstick import CONNECTIONS, Load, Product, bare_server, load, median, new_product, request, verdict

ROUNDS = 5
SECONDS = 2.5
LENGTH = 50
LIST = f"/v1/content?limit={LENGTH}"
CREATE = "/v1/missions"
DRAFT = {
    "name": "Product Launch Campaign",
    "description": "Generate buzz for the new feature release among people who use the product every day. " * 2,
    "objectives": ["Announce the new feature", "Drive its adoption"],
    "platforms": ["twitter"],
    "duration_days": 14,
}
TEXT = "Friday's release does in one click what took an afternoon. Here is what we changed, and why."


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
            keys = [await _new_tenant(runtime) for _ in range(CONNECTIONS)]
        with tempfile.TemporaryDirectory() as answers, bare_server(_record(product, keys[0], Path(answers))) as port:
            size = (Path(answers) / "list.json").stat().st_size
            print(f"API over {CONNECTIONS} connections, one web process, median of {rounds} rounds\n")
            print(f"{'':34}requests/s   p50 ms   p99 ms   generator busy")
            for case in _cases(keys, size):
                await _measure(case, product.port, port, rounds)


def _cases(keys: Sequence[str], size: int) -> list[Case]:
    draft = json.dumps(DRAFT).encode()
    return [
        Case(
            f"list of {LENGTH}, {size / 1000:.0f} kB",
            0.15,
            [request("GET", LIST, key=key) for key in keys],
            [request("GET", "/list", key=key) for key in keys],
        ),
        Case(
            "create a draft",
            0.08,
            [request("POST", CREATE, key=key, body=draft) for key in keys],
            [request("POST", "/create", key=key, body=draft) for key in keys],
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


def _record(product: Product, key: str, directory: Path) -> Path:
    """The very bytes of the answers, for the bare server."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx2.Client(base_url=product.url, headers=headers, trust_env=False) as client:
        (directory / "list.json").write_bytes(client.get(LIST).raise_for_status().content)
        (directory / "created.json").write_bytes(client.post(CREATE, json=DRAFT).raise_for_status().content)
    return directory


async def _new_tenant(runtime: Runtime) -> str:
    """A tenant with a mission and its content; its test key."""
    async with runtime.units.begin(SYSTEM) as uow:
        tenant = await tenants.create_tenant(uow, "Acme", plan="enterprise")
        _, key = await tenants.create_key(uow, runtime.secrets, tenant.id, KeyRequest("bench", "test"))
        workspace = await workspace_of(uow.session, tenant.id, "test")
    async with runtime.units.begin(Scope(tenant_id=tenant.id, workspace_id=workspace.id)) as uow:
        draft = MissionDraft(
            name="Launch",
            objectives=("Announce it",),
            platforms=("twitter",),
            duration_days=14,
            constraints=Constraints(),
        )
        mission = await missions.create_mission(uow, draft, known_platforms=runtime.social.names(), cycle_days=7)
        now = uow.clock.now()
        for number in range(LENGTH * 2):
            content = Content(
                workspace_id=workspace.id,
                id=new_id(),
                mission_id=mission.id,
                slot_id=new_id(),
                cycle=1,
                platform="twitter",
                type="post",
                pillar="Product",
                topic="Release",
                parts=[f"{TEXT} ({number})"],
                status="pending_review",
                publish_at=now,
                created_at=now,
                updated_at=now,
            )
            uow.session.add(content)
    return key.text


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
