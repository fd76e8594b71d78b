"""Platform sets by form, and who may do what to them."""

from pathlib import Path
from typing import Any

import pytest
from browsing import Browser, Page

from world import World, client_of, good, open_world

pytestmark = pytest.mark.anyio


async def names(browser: Browser) -> list[tuple[str, bool]]:
    found = good(await browser.client.get("/api/platforms/sets"))["sets"]
    return [(one["name"], one["isDefault"]) for one in found]


async def test_a_set_is_made_renamed_made_the_default_and_deleted(owner: Browser) -> None:
    page = await owner.press(await owner.open("/accounts"), "Make a set", name=" Germany ")
    assert page.told == "The set Germany is there."
    page = await owner.press(page, "Rename Germany", name="Deutschland")
    assert page.told == "The set is called Deutschland now."
    page = await owner.press(page, "Make it the default: Deutschland")
    assert page.told == "Deutschland is the default set now."
    assert await names(owner) == [("Deutschland", True), ("Default", False)]
    page = await owner.press(page, "Delete Default")
    assert page.told == "The set Default is gone, and its accounts are disconnected."
    assert await names(owner) == [("Deutschland", True)]
    assert not page.has("Delete Deutschland")


@pytest.mark.parametrize("name", ["", "   ", "x" * 51])
async def test_a_name_that_no_set_can_have_is_told_and_changes_nothing(owner: Browser, name: str) -> None:
    page = await owner.open("/accounts")
    for button in ("Make a set", "Rename Default"):
        answer = await owner.press(page, button, name=name)
        assert answer.told == "A platform set's name has 1 to 50 characters."
    assert await names(owner) == [("Default", True)]


async def test_a_name_is_text_and_never_a_tag(owner: Browser) -> None:
    page = await owner.press(await owner.open("/accounts"), "Make a set", name="<b>&\"'")
    assert page.told == "The set <b>&\"' is there."
    assert not [one for one in page.every if one.tag == "b" and not one.text]
    assert page.has("Delete <b>&\"'")


async def test_at_twenty_sets_there_is_no_form_for_another(owner: Browser) -> None:
    page = await owner.open("/accounts")
    for number in range(19):
        page = await owner.press(page, "Make a set", name=f"Set {number}")
    assert not page.has("Make a set")


async def test_the_first_visit_finds_a_default_set(owner: Browser) -> None:
    page = await owner.press(await owner.open("/accounts"), "Live")
    assert "0 of 7 connected" in page.text
    assert await names(owner) == [("Default", True)]


async def test_who_may_only_look_finds_nothing_to_press(world: World) -> None:
    async with client_of(world.app) as client:
        viewer = Browser(client)
        page = await viewer.sign_in(await world.new_member("viewer"))
        assert "7 of 7 connected" in page.text
        assert {form.action for form in page.forms} == {"/environment", "/signout"}
        token = page.forms[0].filled()["csrf"]
        refused = Page(await client.post("/sets", data={"csrf": token, "name": "Mine"}))
    assert refused.status == 403
    assert "This needs the permission 'publish'." in refused.text


async def test_an_editor_changes_own_sets_and_not_those_of_others(world: World, owner: Browser) -> None:
    page = await owner.press(await owner.open("/accounts"), "Make a set", name="Theirs")
    form, _ = page.button("Delete Theirs")
    async with client_of(world.app) as client:
        editor = Browser(client)
        page = await editor.sign_in(await world.new_member("editor"))
        page = await editor.press(page, "Make a set", name="Own")
        assert page.has("Delete Own")
        assert not page.has("Delete Theirs")
        token = page.forms[0].filled()["csrf"]
        refused = Page(await client.post(form.action, data={"csrf": token}))
    assert refused.status == 403
    assert "somebody else's" in refused.text
    assert ("Theirs", False) in await names(owner)


@pytest.mark.parametrize(("given", "missing"), [("", "TWITTER_CLIENT_ID and TWITTER_CLIENT_SECRET"), ("id", "SECRET")])
async def test_what_the_operator_has_yet_to_set_is_said_in_words(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, missing: str
) -> None:
    monkeypatch.setenv("TWITTER_CLIENT_ID", given)
    async with open_world(database_url, tmp_path) as world, client_of(world.app) as client:
        page = await Browser(client).sign_in(world.tenant.email, environment="live")
    assert f"{missing} and starts it again" in page.text
    assert not page.has("Connect: X in Default")


async def test_with_its_settings_a_live_platform_is_connected_at_the_real_vendor(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWITTER_CLIENT_ID", "an-app")
    monkeypatch.setenv("TWITTER_CLIENT_SECRET", "its-secret")
    async with open_world(database_url, tmp_path) as world, client_of(world.app) as client:
        page = await Browser(client).sign_in(world.tenant.email, environment="live")
        answer = await client.get(page.link("Connect: X in Default").attributes["href"], follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("https://x.com/i/oauth2/authorize?response_type=code&client_id=an-app")


async def test_without_its_settings_a_way_there_by_hand_leads_back(world: World, owner: Browser) -> None:
    await owner.press(await owner.open("/accounts"), "Live")
    (made,) = good(await owner.client.get("/api/platforms/sets"))["sets"]
    page = await owner.open(f"/sets/{made['id']}/connect/twitter")
    assert page.path == "/accounts"
    assert page.told == "X is not set up here: the operator sets TWITTER_CLIENT_ID and TWITTER_CLIENT_SECRET."


@pytest.mark.parametrize(("plan", "limit"), [("free", 5), ("pro", 20)])
async def test_connecting_by_link_counts_with_connecting_by_the_api(world: World, plan: Any, limit: int) -> None:
    tenant = await world.new_tenant(plan)
    async with client_of(world.app) as client:
        browser = Browser(client)
        page = await browser.sign_in(tenant.email)
        (made,) = good(await client.get("/api/platforms/sets"))["sets"]
        for _ in range(limit):
            assert good(await client.get("/api/platforms/twitter/auth-url", headers={"Accept": "*/*"}))
        page = await browser.open(f"/sets/{made['id']}/connect/twitter")
    assert page.status == 429
    assert 0 < int(page.answer.headers["Retry-After"]) <= 3600


async def test_a_platform_that_is_not_there_is_a_404_page(owner: Browser) -> None:
    (made,) = good(await owner.client.get("/api/platforms/sets"))["sets"]
    for path in (f"/sets/{made['id']}/connect/bluesky", "/accounts/choose/bluesky"):
        page = await owner.open(path)
        assert page.status == 404
        assert "planned" in page.text
