"""What holds for every page: who may see it, what it may load, and how it is when something is wrong."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from browsing import Browser, Page

import amp
from amp.app import build_app
from amp.engine.jobs import Ports
from amp.kit.ids import Kind, encode
from world import World, client_of, good

pytestmark = pytest.mark.anyio

NO_SET = encode(Kind.PLATFORM_SET, UUID(int=1))
PAGES = ["/signin", "/accounts", "/nothing", f"/sets/{NO_SET}/connect/twitter"]
STYLESHEET = (Path(amp.__file__).parent / "surfaces/dashboard/assets/dashboard.css").read_text()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("signed_in", [True, False])
async def test_no_page_may_run_or_load_what_is_not_ours(
    stranger: Browser, owner: Browser, path: str, signed_in: bool
) -> None:
    page = await (owner if signed_in else stranger).open(path)
    policy = dict(one.strip().split(" ", 1) for one in page.answer.headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert page.answer.headers["X-Content-Type-Options"] == "nosniff"
    assert page.answer.headers["Cache-Control"] == "no-store"
    assert not [one for one in page.every if one.tag in ("script", "style", "iframe", "img")]
    assert not [name for one in page.every for name in one.attributes if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("path", ["/signin", "/accounts", "/nothing"])
async def test_a_page_says_what_it_is_to_those_who_do_not_see_it(stranger: Browser, owner: Browser, path: str) -> None:
    page = await (stranger if path == "/signin" else owner).open(path)
    assert page.path == path
    assert [one.attributes["lang"] for one in page.every if one.tag == "html"] == ["en"]
    assert len([one for one in page.every if one.tag == "h1"]) == 1
    for form in page.forms:
        for one in form.fields:
            names = {one.attributes.get("id", ""), one.attributes["name"]}
            assert one.attributes.get("type") == "hidden" or names & page.labels.keys(), one
        assert all(button.label for button in form.buttons)
    labels = [one.label for one in page.links] + [button.label for form in page.forms for button in form.buttons]
    assert len(labels) == len(set(labels)), "two controls of the same name"


@pytest.mark.parametrize("name", ["stylesheet", "icon"])
async def test_what_a_page_loads_is_kept_for_good_under_the_name_of_its_content(stranger: Browser, name: str) -> None:
    page = await stranger.open("/signin")
    (address,) = [one.attributes["href"] for one in page.every if one.attributes.get("rel") == name]
    answer = await stranger.client.get(address)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert (await stranger.client.get(re.sub(r"\.[0-9a-f]{12}\.", ".000000000000.", address))).status_code == 404


async def test_an_unknown_path_is_a_page_for_browsers_and_json_for_programs(stranger: Browser, world: World) -> None:
    page = await stranger.open("/nothing")
    assert page.status == 404
    assert "There is no page at /nothing." in page.text
    for accept in ("*/*", "application/json"):
        answer = await world.client().get("/nothing", headers={"Accept": accept})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/v1/nothing", "/api/v1/nothing", "/api/nothing"])
async def test_an_unknown_path_of_the_api_is_json_for_everybody(owner: Browser, path: str) -> None:
    answer = await owner.client.get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/json")


async def test_a_wrong_method_is_a_page_that_names_the_right_one(owner: Browser) -> None:
    page = Page(await owner.client.put("/accounts"))
    assert (page.status, page.answer.headers["Allow"]) == (405, "GET, HEAD")


async def test_a_bearer_token_opens_no_page(world: World) -> None:
    answer = await world.test.get("/accounts")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "session_required")


@pytest.mark.parametrize("cookie", ["", "x", f"{'0' * 32}.AAAA"])
async def test_a_made_up_cookie_opens_no_page(stranger: Browser, cookie: str) -> None:
    stranger.client.cookies.set("amp_session", cookie)
    assert (await stranger.open("/accounts")).path == "/signin"
    assert Page(await stranger.client.post("/sets", data={"name": "Mine"})).path == "/signin"


async def test_no_form_does_anything_without_its_token(world: World, owner: Browser) -> None:
    page = await owner.press(await owner.open("/accounts"), "Make a set", name="Other")
    async with client_of(world.app) as client:
        stranger = Browser(client)
        await stranger.sign_in(world.tenant.email)
        theirs = (await stranger.open("/accounts")).forms[0].filled()["csrf"]
    before = page.text
    actions = {re.sub(r"(set|acc)_\w+", "x", form.action) for form in page.forms}
    assert actions == {
        "/environment",
        "/signout",
        "/accounts/x/refresh",
        "/accounts/x/disconnect",
        "/sets",
        "/sets/x/rename",
        "/sets/x/default",
        "/sets/x/delete",
    }
    for form in page.forms:
        for token in ("", theirs, "ä" * 43):
            refused = await owner.send(page, form, form.filled() | {"csrf": token, "environment": "live"})
            assert refused.status == 403, form.action
            assert "This form is no longer good" in refused.text
    after = (await owner.open("/accounts")).text
    assert after == before.replace("The set Other is there. ", "")


async def test_a_form_s_token_is_its_field_s_and_no_header_s(owner: Browser) -> None:
    token = good(await owner.client.get("/api/session"))["csrfToken"]
    headers = {"X-CSRF-Token": token}
    answer = await owner.client.post("/sets", data={"name": "Mine"}, headers=headers)
    assert answer.status_code == 403
    answer = await owner.client.post("/sets", data={"name": "Mine", "csrf": token})
    assert (answer.status_code, answer.url.path) == (200, "/accounts")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"json": {"name": "Mine"}}, 415),
        ({"data": {"name": "Mine"}, "files": {"file": b""}}, 415),
        ({"data": {"name": "x" * 20_000}}, 413),
        ({"data": {"name": "a\0b"}}, 400),
        ({"content": b"&".join([b"a=b"] * 30), "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 400),
        ({"content": b"\xff\xfe", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 400),
    ],
)
async def test_what_is_no_form_of_ours_is_refused_with_a_page(owner: Browser, body: Any, status: int) -> None:
    page = Page(await owner.client.post("/sets", **body))
    assert page.status == status
    assert page.link("To the accounts")


async def test_what_belongs_to_another_workspace_is_a_404_page(world: World, owner: Browser) -> None:
    other = await world.new_tenant()
    their = world.client(other.test_key)
    account = good(await their.get("/api/v1/accounts"))["accounts"][0]["id"]
    their_set = good(await their.get("/api/v1/platform-sets"))["sets"][0]["id"]
    token = good(await owner.client.get("/api/session"))["csrfToken"]
    pages = [await owner.open(f"/sets/{their_set}/connect/twitter")]
    for path in (
        *(f"/accounts/{account}/{verb}" for verb in ("refresh", "disconnect")),
        *(f"/sets/{their_set}/{verb}" for verb in ("rename", "default", "delete")),
        "/accounts/acc_nonsense/disconnect",
        "/sets/set_nonsense/rename",
        "/accounts/choose/myspace",
    ):
        pages.append(Page(await owner.client.post(path, data={"csrf": token, "name": "Taken"})))
    for page in pages:
        assert page.status == 404, page.path
        assert "Not found" in page.text
    assert len(good(await their.get("/api/v1/accounts"))["accounts"]) == 7


async def test_an_error_of_ours_is_a_page_with_the_request_s_id_and_no_details(world: World, owner: Browser) -> None:
    """Of a server that somebody put together wrongly."""
    broken = build_app(replace(world.runtime, ports=Ports({})))
    async with client_of(broken) as client:
        client.cookies.set("amp_session", owner.client.cookies["amp_session"])
        page = await Browser(client).open("/accounts")
    assert page.status == 500
    assert page.answer.headers["X-Request-ID"] in page.text
    assert "Something went wrong on our side." in page.text
    assert "SocialPlatforms" not in page.text


def test_ink_and_ground_differ_enough_to_be_read() -> None:
    """WCAG 2.2, 1.4.3 (text) and 1.4.11 (the edges of controls), in light and in dark."""
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w+);", part)) for part in STYLESHEET.split("@media", 1))
    for colours in (light, light | dark):
        for ground in ("ground", "card"):
            for ink in ("ink", "soft", "accent", "good", "warn", "bad"):
                assert _contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
            assert _contrast(colours["edge"], colours[ground]) >= 3, ground
        assert _contrast(colours["on-accent"], colours["accent"]) >= 4.5


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
