"""What the operator's settings for YouTube, LinkedIn and TikTok change, as people and programs see it in live mode."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from amp.kit.database import SYSTEM
from amp.kit.ids import Kind, decode
from dashboard import browser, refused
from world import World, good, open_world

pytestmark = pytest.mark.anyio

SETTINGS = {
    f"{vendor}_{name}": f"{vendor}-{name}".lower() if name != "REDIRECT_URI" else f"https://acme.example/{vendor}"
    for vendor in ("YOUTUBE", "LINKEDIN")
    for name in ("CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI")
}
PRIVATE = {"YOUTUBE_FORCE_PRIVATE_UPLOADS": "true", "TIKTOK_PRIVATE_ONLY": "true"}
SCOPES = {
    "youtube": ["https://www.googleapis.com/auth/youtube.upload", "https://www.googleapis.com/auth/youtube"],
    "linkedin": ["openid", "profile", "email", "w_member_social"],
}


@pytest.fixture
async def world(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """An operator who has set everything up."""
    for name, value in (SETTINGS | PRIVATE).items():
        monkeypatch.setenv(name, value)
    async with open_world(database_url, tmp_path) as world:
        yield world


@pytest.mark.parametrize("platform", ["youtube", "linkedin"])
async def test_required_env_vars_client_id_and_redirect_uri_shape_the_consent_page(world: World, platform: str) -> None:
    async with browser(world, environment="live") as person:
        url = good(await person.get(f"/api/platforms/{platform}/auth-url"))["url"]
    query = parse_qs(urlsplit(url).query)
    assert query["client_id"] == [SETTINGS[f"{platform.upper()}_CLIENT_ID"]]
    assert query["redirect_uri"] == [SETTINGS[f"{platform.upper()}_REDIRECT_URI"]]
    assert sorted(query["scope"][0].split()) == sorted(SCOPES[platform])
    assert SETTINGS[f"{platform.upper()}_CLIENT_SECRET"] not in url


@pytest.mark.parametrize("platform", ["youtube", "linkedin"])
async def test_without_the_required_settings_the_platform_is_invalid_config(
    database_url: str, tmp_path: Path, platform: str
) -> None:
    async with open_world(database_url, tmp_path) as lacking, browser(lacking, environment="live") as person:
        answer = await person.get(f"/api/platforms/{platform}/auth-url")
    assert refused(answer, 502) == "INVALID_CONFIG"
    assert f"{platform.upper()}_CLIENT_ID and {platform.upper()}_CLIENT_SECRET" in answer.json()["error"]["message"]


async def test_a_client_secret_alone_that_lacks_is_told_before_anybody_is_sent_to_consent(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINKEDIN_CLIENT_ID", "an-app")
    async with open_world(database_url, tmp_path) as lacking, browser(lacking, environment="live") as person:
        answer = await person.get("/api/platforms/linkedin/auth-url")
    assert refused(answer, 502) == "INVALID_CONFIG"
    assert "the operator sets LINKEDIN_CLIENT_SECRET" in answer.json()["error"]["message"]


@pytest.mark.parametrize("platform", ["youtube", "tiktok"])
async def test_private_only_launch_states_are_told_with_the_account(world: World, platform: str) -> None:
    told = (await live_account(world, platform))["launchState"]["notes"]
    assert {"youtube": "YOUTUBE_FORCE_PRIVATE_UPLOADS", "tiktok": "TIKTOK_PRIVATE_ONLY"}[platform] in " ".join(told)


async def test_linkedin_organization_posting_stays_gated(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINKEDIN_ENABLE_ORGANIZATION_POSTING", "true")
    async with open_world(database_url, tmp_path) as gated:
        account = await live_account(gated, "linkedin")
        assert "LINKEDIN_ENABLE_ORGANIZATION_POSTING stays false" in " ".join(account["launchState"]["notes"])
        (chosen,) = (await gated.get("/api/v1/platform-sets"))["sets"]
        for field in ("organizationId", "organizationUrn"):
            settings = {"linkedin": {"settings": {field: "urn:li:organization:1"}}}
            content = {"text": "Hello", "platformOverrides": settings}
            body = {"content": content, "platforms": ["linkedin"], "platformSetId": chosen["id"]}
            answer = await gated.test.post("/api/v1/posts", json=body)
            assert refused(answer, 400) == "VALIDATION_FAILED"
            assert "not open" in answer.json()["error"]["message"]


async def live_account(world: World, platform: str) -> dict[str, Any]:
    """The test account, as if it had been connected in live mode."""
    made = good(await world.live.post("/api/v1/platform-sets", json={"name": "Live"}))["set"]["id"]
    copied = (
        "INSERT INTO connections (workspace_id, id, platform_set_id, platform, remote_id, handle, display_name, "
        "status, scopes, created_at, updated_at) "
        "SELECT s.workspace_id, gen_random_uuid(), s.id, c.platform, c.remote_id, "
        "c.handle, c.display_name, 'active', c.scopes, c.created_at, c.updated_at FROM platform_sets s, connections c "
        "WHERE s.id = :set AND c.platform = :platform AND c.workspace_id = :test"
    )
    scope = await world.test_scope()
    async with world.runtime.units.begin(SYSTEM) as uow:
        wanted = {"set": decode(Kind.PLATFORM_SET, made, what="set"), "platform": platform, "test": scope.workspace_id}
        await uow.session.execute(text(copied), wanted)
    (account,) = good(await world.live.get("/api/v1/accounts"))["accounts"]
    return account
