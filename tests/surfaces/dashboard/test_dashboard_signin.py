"""Signing in and out with a browser, and what keeps others from doing it for somebody."""

from pathlib import Path

import pytest
from browsing import Browser

from world import PASSWORD, World, client_of, good, open_world

pytestmark = pytest.mark.anyio


async def test_the_first_page_leads_strangers_to_the_entrance_and_others_to_their_accounts(
    world: World, stranger: Browser
) -> None:
    assert (await stranger.client.get("/", follow_redirects=False)).headers["Location"] == "/signin"
    await stranger.sign_in(world.tenant.email)
    assert (await stranger.client.get("/", follow_redirects=False)).headers["Location"] == "/accounts"
    assert (await stranger.open("/signin")).path == "/accounts"


@pytest.mark.parametrize("environment", ["live", "test"])
async def test_signing_in_opens_the_accounts_of_the_chosen_environment(
    world: World, stranger: Browser, environment: str
) -> None:
    page = await stranger.sign_in(world.tenant.email, environment=environment)
    assert (page.status, page.path) == (200, "/accounts")
    session = good(await stranger.client.get("/api/session"))
    assert (session["user"]["email"], session["environment"]) == (world.tenant.email, environment)


@pytest.mark.parametrize(("of_whom", "password"), [("owner", "guess"), ("owner", ""), ("nobody", PASSWORD)])
async def test_a_wrong_password_says_so_and_keeps_the_address_alone(
    world: World, stranger: Browser, of_whom: str, password: str
) -> None:
    email = world.tenant.email if of_whom == "owner" else "nobody@example.com"
    page = await stranger.sign_in(email, password=password)
    assert (page.status, page.told) == (401, "The e-mail address or the password is wrong.")
    (form,) = page.forms
    assert form.filled()["email"] == email
    assert form.filled()["password"] == ""
    assert (await stranger.open("/accounts")).path == "/signin"


async def test_guessing_is_throttled_together_with_the_api(world: World, stranger: Browser) -> None:
    guess = {"email": world.tenant.email, "password": "guess"}
    for _ in range(5):
        await world.client().post("/v1/auth/login", json=guess)
    statuses = [(await stranger.sign_in(world.tenant.email, password="guess")).status for _ in range(5)]
    page = await stranger.sign_in(world.tenant.email)
    assert [*statuses, page.status] == [401] * 5 + [429]
    assert page.told == "Too many attempts to log in. Try again in 5 minutes."
    assert 0 < int(page.answer.headers["Retry-After"]) <= 300


async def test_a_form_of_another_site_cannot_sign_anybody_in(world: World, stranger: Browser) -> None:
    """It could have them connect their accounts for a stranger."""
    mine = {"email": world.tenant.email, "password": PASSWORD}
    async with client_of(world.app) as client:
        theirs = (await Browser(client).open("/signin")).forms[0].filled()["csrf"]
    for fields in (mine, mine | {"csrf": ""}, mine | {"csrf": theirs}):
        answer = await stranger.client.post("/signin", data=fields)
        assert answer.status_code == 403
    page = await stranger.open("/signin")
    answer = await stranger.client.post("/signin", data=mine | {"csrf": theirs})
    assert answer.status_code == 403
    assert "amp_session" not in stranger.client.cookies
    assert (await stranger.press(page, "Sign in", **mine)).path == "/accounts"


async def test_the_session_is_kept_in_a_cookie_that_no_script_reads(world: World, stranger: Browser) -> None:
    page = await stranger.open("/signin")
    form, button = page.button("Sign in")
    fields = form.filled(button, email=world.tenant.email, password=PASSWORD)
    answer = await stranger.client.post("/signin", data=fields, follow_redirects=False)
    session = next(one for one in answer.headers.get_list("Set-Cookie") if one.startswith("amp_session="))
    assert {part.strip().lower() for part in session.split(";")[1:]} >= {"httponly", "path=/", "samesite=lax"}


async def test_over_tls_every_cookie_is_of_this_host_alone(database_url: str, tmp_path: Path) -> None:
    url = "https://amp.example.com"
    async with open_world(database_url, tmp_path, public_url=url) as world, client_of(world.app) as client:
        client.base_url = url
        browser = Browser(client)
        form, button = (await browser.sign_in(world.tenant.email)).button("Make a set")
        await client.post("/sets", data=form.filled(button, name="One"), follow_redirects=False)
        assert {cookie.name for cookie in client.cookies.jar} == {"__Host-amp_session", "__Host-amp_told"}
        assert all(cookie.secure for cookie in client.cookies.jar)


async def test_signing_out_ends_the_session_itself(world: World, owner: Browser) -> None:
    kept = owner.client.cookies["amp_session"]
    page = await owner.press(await owner.open("/accounts"), "Sign out")
    assert page.path == "/signin"
    assert "amp_session" not in owner.client.cookies
    owner.client.cookies.set("amp_session", kept)
    assert (await owner.open("/accounts")).path == "/signin"


async def test_a_person_switches_between_live_and_test(owner: Browser) -> None:
    page = await owner.open("/accounts")
    assert "7 of 7 connected" in page.text
    page = await owner.press(page, "Live")
    assert "0 of 7 connected" in page.text
    page = await owner.press(page, "Test")
    assert "7 of 7 connected" in page.text


async def test_while_the_clock_runs_fast_there_is_test_alone(database_url: str, tmp_path: Path) -> None:
    async with open_world(database_url, tmp_path, clock_speed=10) as world, client_of(world.app) as client:
        browser = Browser(client)
        page = await browser.open("/signin")
        assert page.forms[0].filled()["environment"] == "test"
        page = await browser.sign_in(world.tenant.email)
        assert "disabled" in page.button("Live")[1].attributes
        refused = await browser.press(page, "Live")
        assert refused.status == 403
        assert "clock runs fast" in refused.text
        assert good(await client.get("/api/session"))["environment"] == "test"


async def test_a_live_session_from_before_the_clock_ran_fast_is_led_to_the_entrance(
    world: World, stranger: Browser, database_url: str, tmp_path: Path
) -> None:
    await stranger.sign_in(world.tenant.email, environment="live")
    async with open_world(database_url, tmp_path, clock_speed=10) as fast, client_of(fast.app) as client:
        client.cookies.set("amp_session", stranger.client.cookies["amp_session"])
        browser = Browser(client)
        page = await browser.open("/accounts")
        assert page.status == 403
        page = await browser.follow(page, "Sign in again, in Test")
        assert page.path == "/signin"
        assert (await browser.sign_in(world.tenant.email)).path == "/accounts"
