"""Connected accounts (`/api/v1/accounts`): what is told of them, to whom, and at what price."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from amp.domain.connections import operations as connections
from amp.domain.connections.sets import default_set
from amp.kit.clock import real_now
from amp.kit.ids import Kind, decode
from amp.kit.secrets import Unreadable
from amp.providers.discovery import social_vendors
from amp.surfaces.fields import to_wire
from dashboard import refused, statements_of
from world import World, good

pytestmark = pytest.mark.anyio

FIELDS = {
    *("id", "platform", "platformSetId", "handle", "displayName", "avatarUrl", "status", "scopes", "missingScopes"),
    *("tokenHealth", "launchState", "profile", "quotaLeft", "lastUsedAt", "createdAt", "updatedAt"),
}


async def test_list_accounts_returns_the_connected_accounts(world: World) -> None:
    listed = good(await world.test.get("/api/v1/accounts"))
    assert listed.keys() == {"accounts"}
    assert sorted(one["platform"] for one in listed["accounts"]) == sorted(social_vendors())
    for one in listed["accounts"]:
        assert one.keys() == FIELDS
        assert one["id"].startswith("acc_")
        assert one["platformSetId"].startswith("set_")
        assert one["status"] == one["tokenHealth"]["state"] == "active"
        assert one["launchState"].keys() == {"notes", "caveats"}
        assert one["tokenHealth"].keys() == {"state", "expiresAt", "refreshable", "lastRefreshedAt", "lastFailure"}


async def test_accounts_are_filtered_by_platform(world: World) -> None:
    (only,) = good(await world.test.get("/api/v1/accounts?platform=twitter"))["accounts"]
    assert only["platform"] == "twitter"


async def test_accounts_are_filtered_by_platform_set(world: World) -> None:
    everything = good(await world.test.get("/api/v1/accounts"))["accounts"]
    mine = everything[0]["platformSetId"]
    empty = good(await world.test.post("/api/v1/platform-sets", json={"name": "Empty"}))["set"]["id"]
    found = [await world.get("/api/v1/accounts", platformSetId=one) for one in (mine, empty, "set_x")]
    assert [len(one["accounts"]) for one in found] == [len(everything), 0, 0]


async def test_get_account_returns_the_account(world: World) -> None:
    listed = good(await world.test.get("/api/v1/accounts"))["accounts"][0]
    assert good(await world.test.get(f"/api/v1/accounts/{listed['id']}")) == {"account": listed}


async def test_an_account_of_somebody_else_or_of_nobody_is_404(world: World) -> None:
    other = await world.new_tenant()
    theirs = good(await world.client(other.test_key).get("/api/v1/accounts"))["accounts"][0]["id"]
    for account in (theirs, "acc_00000000000000000000000000", "nonsense"):
        assert refused(await world.test.get(f"/api/v1/accounts/{account}"), 404) == "NOT_FOUND"
    mine = good(await world.test.get("/api/v1/accounts"))["accounts"][0]["id"]
    assert refused(await world.live.get(f"/api/v1/accounts/{mine}"), 404) == "NOT_FOUND"


async def test_a_foreign_set_finds_nothing(world: World) -> None:
    other = await world.new_tenant()
    theirs = good(await world.client(other.test_key).get("/api/v1/platform-sets"))["sets"][0]["id"]
    assert await world.get("/api/v1/accounts", platformSetId=theirs) == {"accounts": []}


@pytest.mark.parametrize(("platform", "says"), [("bluesky", "planned"), ("myspace", "no platform")])
async def test_unsupported_platforms_are_refused_by_name(world: World, platform: str, says: str) -> None:
    answer = await world.test.get("/api/v1/accounts", params={"platform": platform})
    assert refused(answer, 400) == "VALIDATION_FAILED"
    assert says in answer.text


async def test_unknown_query_parameters_are_refused(world: World) -> None:
    assert refused(await world.test.get("/api/v1/accounts?plattform=x"), 400) == "VALIDATION_FAILED"


async def test_tokens_are_never_returned(world: World) -> None:
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        rows = (await uow.session.execute(text("SELECT access_token FROM connections"))).scalars().all()
        tokens = [connections.open_tokens(world.runtime.secrets, one) for one in await all_connections(uow)]
    answer = (await world.test.get("/api/v1/accounts")).text
    assert tokens
    assert not [sealed for sealed in rows if sealed in answer]
    assert not [one for one in tokens if one and one.access_token.get_secret_value() in answer]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("refresh_token = NULL, token_expires_at = :now + interval '8 days'", "active"),
        ("refresh_token = NULL, token_expires_at = :now + interval '6 days'", "expiring"),
        ("refresh_token = NULL, token_expires_at = :now - interval '1 second'", "expired"),
        ("refresh_token = NULL, token_expires_at = NULL", "active"),
        ("token_expires_at = :now + interval '1 minute'", "active"),
        ("token_expires_at = :now - interval '1 hour'", "active"),
        ("refresh_failed_at = :now, refresh_failure = 'no answer'", "expiring"),
        ("status = 'expired'", "expired"),
    ],
)
async def test_status_says_how_long_the_tokens_will_do(world: World, change: str, status: str) -> None:
    account = await account_of(world, "twitter")
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        statement = text(f"UPDATE connections SET {change} WHERE platform = 'twitter' AND :now IS NOT NULL")
        await uow.session.execute(statement, {"now": real_now()})
    shown = good(await world.test.get(f"/api/v1/accounts/{account['id']}"))["account"]
    assert (shown["status"], shown["tokenHealth"]["state"]) == (status, status)


async def test_launch_state_is_told_with_the_account(world: World) -> None:
    youtube = (await account_of(world, "youtube"))["launchState"]
    capabilities = social_vendors()["youtube"].capabilities
    assert youtube["caveats"] == list(capabilities.caveats) != []


async def test_linkedin_tells_its_oidc_fields_and_the_organization_gate(world: World) -> None:
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        details = '{"sub": "AbC", "name": "Ada", "email": "ada@example.com", "email_verified": true}'
        await uow.session.execute(text("UPDATE connections SET details = :details"), {"details": details})
    linkedin = await account_of(world, "linkedin")
    assert linkedin["profile"]["email"] == "ada@example.com"
    assert linkedin["scopes"][:4] == ["openid", "profile", "email", "w_member_social"]
    told = " ".join([*linkedin["launchState"]["notes"], *linkedin["launchState"]["caveats"]]).lower()
    assert "organization" in told


@pytest.mark.parametrize(("platform", "posts"), [("instagram", 100), ("threads", 250), ("youtube", 100)])
async def test_the_quota_of_an_unused_account_is_the_vendors_daily_limit(
    world: World, platform: str, posts: int
) -> None:
    assert (await account_of(world, platform))["quotaLeft"] == posts


async def test_quota_left_counts_what_was_published_in_the_window(world: World) -> None:
    account = await account_of(world, "threads")
    (quota,) = social_vendors()["threads"].capabilities.quotas
    assert account["quotaLeft"] == quota.posts
    now = real_now()
    for at in (now - timedelta(hours=1), now - timedelta(hours=2), now - timedelta(hours=quota.hours + 1)):
        await publish(world, account, at)
    assert (await account_of(world, "threads"))["quotaLeft"] == quota.posts - 2


async def test_last_used_at_is_when_it_last_published(world: World) -> None:
    account = await account_of(world, "threads")
    assert account["lastUsedAt"] is None
    at = real_now() - timedelta(hours=1)
    await publish(world, account, at)
    assert (await account_of(world, "threads"))["lastUsedAt"] == to_wire(at)


async def test_accounts_are_listed_in_a_bounded_number_of_statements(world: World) -> None:
    assert await statements_of(world, "/api/v1/accounts") <= 2
    assert await statements_of(world, "/api/v1/accounts?platform=twitter") <= 2


async def test_a_token_sealed_with_an_unknown_master_key_says_which(world: World) -> None:
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        await uow.session.execute(text("UPDATE connections SET access_token = '0badc0de.' || access_token"))
        connection = (await all_connections(uow))[0]
        with pytest.raises(Unreadable, match="0badc0de"):
            connections.open_tokens(world.runtime.secrets, connection)
        await uow.session.rollback()


async def test_a_sealed_token_opens_on_its_own_row_only(world: World) -> None:
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        one, other, *_ = await all_connections(uow)
        one.access_token = other.access_token
        with pytest.raises(Unreadable, match="another row"):
            connections.open_tokens(world.runtime.secrets, one)
        await uow.session.rollback()


async def account_of(world: World, platform: str) -> dict[str, Any]:
    (account,) = good(await world.test.get("/api/v1/accounts", params={"platform": platform}))["accounts"]
    return account


async def all_connections(uow: Any) -> list[Any]:
    chosen = await default_set(uow)
    return list((await connections.active_in_set(uow, chosen.id, list(social_vendors()))).values())


async def publish(world: World, account: dict[str, Any], at: Any) -> None:
    """A post that this account published at `at`."""
    body = {
        "content": {"text": "Done", "media": [], "linkUrl": None, "platformOverrides": {}},
        "platforms": [account["platform"]],
        "scheduledFor": None,
        "platformSetId": account["platformSetId"],
    }
    made = good(await world.test.post("/api/v1/posts", json=body))["post"]["id"]
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        statement = text("UPDATE platform_posts SET status = 'published', published_at = :at WHERE post_id = :post")
        await uow.session.execute(statement, {"at": at, "post": decode(Kind.POST, made, what="post")})
