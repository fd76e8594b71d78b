"""The master key can be changed while everything runs: what the earlier one sealed and hashed stays good, and the
command seals it anew."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from amp.app import build_app
from amp.domain.connections import operations as connections
from amp.kit.secrets import SecretKeys, Unreadable
from amp.runtime import Runtime, open_runtime, resigned, sandbox_key
from amp.sandbox.accounts import read_token
from dashboard import browser, refused
from serving import environment
from world import World, client_of, good, settings_for

pytestmark = pytest.mark.anyio

OLD = "a secret of the tests"
NEW = "another secret of the tests"


def test_a_sealed_text_names_its_master_key_and_opens_while_that_is_known() -> None:
    sealed = SecretKeys(b"old").seal("token", row="r")
    assert sealed.startswith(f"{SecretKeys(b'old').key_id}.")
    assert SecretKeys(b"new", (b"older", b"old")).unseal(sealed, row="r") == "token"
    with pytest.raises(Unreadable, match="neither AMP_SECRET_KEY nor among AMP_SECRET_KEY_PREVIOUS"):
        SecretKeys(b"new", (b"older",)).unseal(sealed, row="r")


async def test_after_a_change_everything_goes_on_and_rotate_encryption_seals_it_anew(
    world: World, database_url: str, tmp_path: Path
) -> None:
    before = await sealed_tokens(world)
    async with changed(database_url, tmp_path, previous=OLD) as (_, client):
        client.headers["Authorization"] = f"Bearer {world.tenant.test_key}"
        assert good(await client.get("/api/v1/accounts"))["accounts"]
        assert await sealed_tokens(world) == before
    told = rotate(database_url, tmp_path, NEW, OLD)
    assert told.returncode == 0, told.stderr
    assert "sealed anew" in told.stdout
    assert not set(await sealed_tokens(world)) & set(before)
    async with changed(database_url, tmp_path, previous="") as (runtime, client):
        client.headers["Authorization"] = f"Bearer {world.tenant.test_key}"
        assert good(await client.get("/api/v1/accounts"))["accounts"]
        client.headers["Authorization"] = f"Bearer {world.tenant.live_key}"
        assert refused(await client.get("/api/v1/accounts"), 401) == "UNAUTHORIZED"
        for token in await opened(world, runtime.secrets):
            assert read_token(sandbox_key(runtime.secrets), token)
    assert rotate(database_url, tmp_path, OLD, NEW).returncode == 0


async def test_rotating_again_finds_nothing_to_do(world: World, database_url: str, tmp_path: Path) -> None:
    before = await sealed_tokens(world)
    told = rotate(database_url, tmp_path, OLD, "")
    assert told.stdout.startswith("0 accounts")
    assert await sealed_tokens(world) == before


async def test_what_no_known_key_opens_is_told_and_left_alone(world: World, database_url: str, tmp_path: Path) -> None:
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        await uow.session.execute(
            text("UPDATE connections SET access_token = '0badc0de.AAAA' WHERE platform = 'twitter'")
        )
    told = rotate(database_url, tmp_path, OLD, "")
    assert told.returncode == 1
    assert "1 accounts were sealed with a key that is not known here" in told.stdout
    assert "0badc0de.AAAA" in await sealed_tokens(world)
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        await uow.session.execute(text("UPDATE connections SET access_token = NULL WHERE platform = 'twitter'"))


async def test_a_change_of_the_master_key_ends_browser_sessions(
    world: World, database_url: str, tmp_path: Path
) -> None:
    async with browser(world) as client:
        cookies = dict(client.cookies)
    async with changed(database_url, tmp_path, previous=OLD) as (_, client):
        client.cookies.update(cookies)
        assert refused(await client.get("/api/session"), 401) == "UNAUTHORIZED"


def test_a_token_of_a_real_vendor_is_not_touched_on_the_way() -> None:
    assert resigned(SecretKeys(b"new", (b"old",)), "EAAB-a-real-token") == "EAAB-a-real-token"


@asynccontextmanager
async def changed(database_url: str, home: Path, *, previous: str) -> AsyncIterator[tuple[Runtime, httpx2.AsyncClient]]:
    """The product started again with the new master key."""
    settings = settings_for(database_url, home, secret_key=NEW, secret_key_previous=previous or None)
    runtime = await open_runtime(settings)
    async with client_of(build_app(runtime)) as client:
        yield runtime, client
    await runtime.close()


def rotate(database_url: str, home: Path, key: str, previous: str) -> "subprocess.CompletedProcess[str]":
    env = environment(database_url, home, 1) | {"AMP_SECRET_KEY": key, "AMP_SECRET_KEY_PREVIOUS": previous}
    command = [sys.executable, "-m", "amp.cli", "keys", "rotate-encryption"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


async def sealed_tokens(world: World) -> list[str]:
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        query = "SELECT access_token FROM connections WHERE access_token IS NOT NULL ORDER BY id"
        return list((await uow.session.execute(text(query))).scalars())


async def opened(world: World, secrets: SecretKeys) -> list[str]:
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        found = await connections.active_in_set(uow, (await connections.default_set(uow)).id, ["twitter", "linkedin"])
        tokens = [connections.open_tokens(secrets, one) for one in found.values()]
    return [one.access_token.get_secret_value() for one in tokens if one]
