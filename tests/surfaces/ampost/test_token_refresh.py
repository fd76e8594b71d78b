"""Tokens are renewed ahead of time, by one worker alone, and nobody is disconnected for anything but the vendor's own
refusal."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import psycopg
import pytest
from sqlalchemy import text

from amp.domain.connections import operations as connections
from amp.domain.publishing.accounts import Authority, authority, refreshed
from amp.domain.publishing.claiming import Room, claim_due
from amp.domain.publishing.delivering import Courier
from amp.domain.publishing.port import Account, SocialPlatform, SocialPlatforms, Tokens
from amp.domain.publishing.refreshing import refresh_ahead
from amp.engine.jobs import Job, Ports
from amp.kit.clock import real_now
from amp.kit.database import SYSTEM, Scope, open_database
from amp.kit.errors import ProviderFailed, Reconnect
from amp.kit.ids import Kind, decode
from amp.kit.secrets import SecretKeys
from amp.providers.discovery import Credentials, Social
from connecting import account_in, at_vendor, change, consented, open_tokens, refresh, schedule, tokens_of
from world import World, good

pytestmark = pytest.mark.anyio


@pytest.fixture
async def twitter(person: httpx2.AsyncClient, mine: str) -> dict[str, Any]:
    """An account on X in a set of its own: its tokens live two hours."""
    return good(await person.get(await consented(person, "twitter", mine, login="acme")))["account"]


def ends_in(**time: float) -> dict[str, Any]:
    return {"ends": real_now() + timedelta(**time)}


ENDS = "token_expires_at = :ends"


async def test_a_token_in_the_last_tenth_of_its_life_is_renewed(
    served: World, mine: str, twitter: dict[str, Any]
) -> None:
    before = await tokens_of(served, mine)
    await change(
        served, mine, f"{ENDS}, token_renewed_at = :since", since=real_now() - timedelta(hours=2), **ends_in(minutes=11)
    )
    await turn(served)
    assert await tokens_of(served, mine) != before
    health = (await account_in(served, mine))["tokenHealth"]
    assert health["lastRefreshedAt"] > twitter["tokenHealth"]["lastRefreshedAt"]
    assert health["expiresAt"] > (real_now() + timedelta(hours=1)).isoformat()


@pytest.mark.parametrize(
    ("lived", "left", "renewed"),
    [
        ({"minutes": 107}, {"minutes": 14}, False),
        ({"minutes": 50}, {"minutes": 9}, True),
        ({"minutes": 50}, {"minutes": 11}, False),
        ({"days": 54.5}, {"days": 5.5}, True),
        ({"days": 53}, {"days": 7.1}, False),
        ({"days": 400}, {"days": 8}, False),
    ],
)
async def test_how_long_ahead_depends_on_the_vendor_s_lifetime(
    served: World, mine: str, twitter: dict[str, Any], lived: Any, left: Any, renewed: bool
) -> None:
    before = await tokens_of(served, mine)
    since = real_now() - timedelta(**lived)
    await change(served, mine, f"{ENDS}, token_renewed_at = :since", since=since, **ends_in(**left))
    await turn(served)
    assert (await tokens_of(served, mine) != before) is renewed


async def test_nothing_is_asked_for_what_cannot_be_renewed(served: World, mine: str, twitter: dict[str, Any]) -> None:
    await change(served, mine, f"{ENDS}, refresh_token = NULL", **ends_in(minutes=5))
    await turn(served)
    assert (await account_in(served, mine))["status"] == "expiring"


async def test_a_failing_refresh_is_told_and_tried_again_later_and_disconnects_nobody(
    served: World, mine: str, twitter: dict[str, Any]
) -> None:
    before = await tokens_of(served, mine)
    await change(served, mine, ENDS, **ends_in(minutes=5))
    await turn(served, sandbox_url="http://127.0.0.1:9/sandbox")
    account = await account_in(served, mine)
    assert account["status"] == "expiring"
    assert "could not be reached" in account["tokenHealth"]["lastFailure"]
    await turn(served)
    assert await tokens_of(served, mine) == before
    await change(served, mine, "refresh_failed_at = :then", then=real_now() - timedelta(minutes=11))
    await turn(served)
    account = await account_in(served, mine)
    assert (account["status"], account["tokenHealth"]["lastFailure"]) == ("active", None)


@pytest.mark.parametrize("platform", ["threads", "instagram"])
async def test_a_refusal_to_renew_before_it_is_time_leaves_the_account_as_it_is(
    served: World, mine: str, person: httpx2.AsyncClient, platform: str
) -> None:
    good(await person.get(await consented(person, platform, mine)))
    before = await account_in(served, mine)
    answer = await refresh(person, platform, mine)
    assert answer.status_code == 400
    assert "at least 24 hours old" in answer.json()["error"]["message"]
    assert await account_in(served, mine) == before
    assert (before["status"], before["tokenHealth"]["lastFailure"]) == ("active", None)


async def test_only_an_explicit_refusal_makes_an_account_expired(
    served: World, mine: str, twitter: dict[str, Any]
) -> None:
    await change(served, mine, ENDS, **ends_in(minutes=5))
    await at_vendor(served, "UPDATE sandbox.tokens SET ended_at = :now WHERE kind = 'refresh'", now=real_now())
    await turn(served)
    assert (await account_in(served, mine))["status"] == "expired"


async def test_one_turn_renews_for_all_tenants_and_one_s_trouble_keeps_nobody(
    served: World, mine: str, twitter: dict[str, Any], person: httpx2.AsyncClient
) -> None:
    other = good(await person.post("/api/platforms/sets", json={"name": "Other"}))["set"]["id"]
    good(await person.get(await consented(person, "twitter", other, login="other")))
    before = await tokens_of(served, mine)
    await change(served, mine, ENDS, **ends_in(minutes=5))
    await change(served, other, f"{ENDS}, access_token = '0badc0de.x'", **ends_in(minutes=4))
    await turn(served)
    assert await tokens_of(served, mine) != before
    await person.delete(f"/api/platforms/sets/{other}")


async def test_two_who_refresh_at_once_use_the_refresh_token_once(
    served: World, mine: str, twitter: dict[str, Any]
) -> None:
    """X ends everything when a refresh token is used twice."""
    one = await Held.of(served, mine)
    answers = await asyncio.gather(*(one.refresh() for _ in range(4)), return_exceptions=True)
    assert not [answer for answer in answers if _reconnects(answer)]
    assert (await account_in(served, mine))["status"] == "active"
    assert await (await Held.of(served, mine)).refresh()


async def test_an_account_connected_again_meanwhile_is_not_expired_by_the_old_tokens_refusal(
    served: World, person: httpx2.AsyncClient, mine: str, twitter: dict[str, Any]
) -> None:
    one = await Held.of(served, mine)

    class Slow:
        """X, to whom our old refresh token comes while the owner connects the account again."""

        async def refresh(self, account: Account) -> Tokens:
            good(await person.get(await consented(person, "twitter", mine, login="acme")))
            raise ProviderFailed("invalid_grant", remedy=Reconnect())

    with pytest.raises(ProviderFailed):
        await one.refresh(Slow())
    account = await account_in(served, mine)
    assert (account["status"], account["tokenHealth"]["lastFailure"]) == ("active", None)


async def test_tokens_that_arrive_after_a_disconnect_are_not_kept_but_given_back(
    served: World, person: httpx2.AsyncClient, mine: str
) -> None:
    good(await person.get(await consented(person, "twitter", mine, login="late")))
    one = await Held.of(served, mine)
    x = one.platform

    class Slow:
        """X, whose answer comes after the owner has disconnected the account."""

        async def refresh(self, account: Account) -> Tokens:
            tokens = await x.refresh(account)
            good(await person.delete("/api/platforms/twitter/disconnect", params={"platformSetId": mine}))
            return tokens

    with pytest.raises(ProviderFailed):
        await one.refresh(Slow())
    assert await tokens_of(served, mine) == (None, None)
    assert await open_tokens(served, "late") > 0
    await served.work()
    assert await open_tokens(served, "late") == 0


async def test_new_tokens_are_kept_although_the_database_goes_away_before_they_are_stored(
    served: World, mine: str, twitter: dict[str, Any]
) -> None:
    """X's refresh token worked once: whoever forgets the answer has lost the account."""
    one = await Held.of(served, mine)
    units = replace(served.runtime.units, database=open_database(served.runtime.database.url, pool_size=1))

    class Slow:
        """X, whose answer comes just before our connection to the database breaks."""

        async def refresh(self, account: Account) -> Tokens:
            tokens = await one.platform.refresh(account)
            async with units.begin(SYSTEM) as uow:
                pid = await uow.session.scalar(text("SELECT pg_backend_pid()"))
            async with await psycopg.AsyncConnection.connect(served.runtime.database.url) as killer:
                await killer.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            return tokens

    platform: Any = Slow()
    fresh = await refreshed(units, served.runtime.secrets, one.scope, one.connection_id, one.used, platform)
    await units.database.close()
    assert fresh.version == one.used.version + 1
    assert await (await Held.of(served, mine)).refresh()


async def test_what_is_due_for_a_disconnected_account_fails_as_not_connected(
    served: World, person: httpx2.AsyncClient, mine: str, twitter: dict[str, Any]
) -> None:
    post = await schedule(served, mine, "twitter")
    good(await person.delete("/api/platforms/twitter/disconnect", params={"platformSetId": mine}))
    await served.work()
    await deliver(served, post)
    async with served.runtime.database.transaction(SYSTEM) as session:
        query = text("SELECT status, error_code, error_message FROM platform_posts WHERE post_id = CAST(:id AS uuid)")
        row = (await session.execute(query, {"id": post})).one()
    assert (row.status, row.error_code) == ("failed", "PLATFORM_NOT_CONNECTED")
    assert "disconnected" in row.error_message


def _reconnects(answer: object) -> bool:
    return isinstance(answer, ProviderFailed) and isinstance(answer.remedy, Reconnect)


@dataclass
class Held:
    """Somebody who read the account's tokens a while ago."""

    world: World
    connection_id: UUID
    scope: Scope
    used: Authority
    platform: SocialPlatform

    @classmethod
    async def of(cls, world: World, set_id: str) -> "Held":
        scope = await world.test_scope()
        async with world.runtime.units.begin(scope) as uow:
            found = await connections.in_set(uow, decode(Kind.PLATFORM_SET, set_id, what="set"), "twitter")
            used = await authority(uow, world.runtime.secrets, found.id)
        return cls(world, found.id, scope, used, world.runtime.social.of("twitter", "test"))

    async def refresh(self, platform: Any = None) -> Authority:
        runtime, by = self.world.runtime, platform or self.platform
        return await refreshed(runtime.units, runtime.secrets, self.scope, self.connection_id, self.used, by)


async def turn(world: World, *, sandbox_url: str | None = None) -> None:
    """One turn of the recurring work; `sandbox_url`: with the vendors somewhere else."""
    runtime = world.runtime
    credentials = Credentials({})
    social = Social(clock=runtime.clock, credentials=credentials, live_urls={}, sandbox_url=sandbox_url or "")
    ports = Ports({SecretKeys: runtime.secrets, SocialPlatforms: social if sandbox_url else runtime.social})
    await refresh_ahead(Job(units=runtime.units, ports=ports, scope=SYSTEM, attempt=0))
    await social.aclose()


async def deliver(world: World, post_id: str) -> None:
    """Its moment has come."""
    runtime = world.runtime
    async with runtime.units.begin(SYSTEM) as uow:
        due = text("UPDATE platform_posts SET next_attempt_at = :now WHERE post_id = CAST(:post AS uuid)")
        await uow.session.execute(due, {"now": uow.clock.now(), "post": post_id})
    courier = Courier(runtime.units, runtime.ports, missed_after=timedelta(days=2), lease=timedelta(seconds=60))
    claims, _ = await claim_due(runtime.units, courier.terms, Room(500, 500, {}))
    await courier.prepare(claims)
    for claimed in claims:
        if str(claimed.post_id) == post_id:
            await courier.deliver(claimed)
