"""X: OAuth 2.0 with PKCE. Lifetimes are real time, so what expires is tested by codes and tokens that were used."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from pretending import SIGNING_KEY, World

from amp.sandbox.accounts import sandbox_client

pytestmark = pytest.mark.anyio

VERIFIER = "a-verifier-of-at-least-forty-three-characters-in-all"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REDIRECT = "https://app.example.com/callback?tenant=7"
SCOPES = "tweet.read tweet.write users.read offline.access"


class App:
    """A program with a client of its own, as `_accounts` hands them out."""

    def __init__(self, world: World, made: dict[str, Any]) -> None:
        self.world = world
        self.client_id, self.secret = made["client_id"], made["client_secret"]
        self.access_token, self.refresh_token = made["access_token"], made["refresh_token"]

    async def authorize(self, **changes: str | None) -> httpx2.Response:
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "scope": SCOPES,
            "state": "st&te",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "approve": "auto",
        } | changes
        given = {name: value for name, value in query.items() if value is not None}
        return await self.world.http.get("/sandbox/twitter/i/oauth2/authorize", params=given)

    async def code(self, **changes: str | None) -> str:
        return answered(await self.authorize(**changes))["code"]

    async def token(self, auth: tuple[str, str] | None = None, **form: str) -> httpx2.Response:
        path = "/sandbox/twitter/2/oauth2/token"
        return await self.world.http.post(path, data=form, auth=auth or (self.client_id, self.secret))

    async def exchange(self, issued: str, /, **changes: str) -> httpx2.Response:
        form = {"grant_type": "authorization_code", "code": issued, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
        return await self.token(**(form | changes))

    async def refresh(self, token: str) -> httpx2.Response:
        return await self.token(grant_type="refresh_token", refresh_token=token)

    async def me(self, token: str) -> httpx2.Response:
        return await self.world.http.get("/sandbox/twitter/2/users/me", headers={"Authorization": f"Bearer {token}"})


def answered(redirect: httpx2.Response) -> dict[str, str]:
    assert redirect.status_code == 302
    query = urlsplit(redirect.headers["location"]).query
    return {name: values[0] for name, values in parse_qs(query).items()}


@pytest.fixture
async def app(world: World) -> App:
    made = await world.control("POST", "_accounts", json={"vendor": "twitter", "handle": "acme"})
    assert made.status_code == 201
    return App(world, made.json())


async def test_consent_sends_back_the_code_and_the_state_to_the_exact_address(app: App) -> None:
    redirect = await app.authorize()
    assert redirect.headers["location"].startswith(REDIRECT + "&")
    assert answered(redirect)["state"] == "st&te"
    assert answered(redirect)["tenant"] == "7"


async def test_without_an_answer_there_is_a_page_with_allow_and_deny(app: App) -> None:
    page = await app.authorize(approve=None, state="<script>")
    assert page.status_code == 200
    assert "Allow" in page.text
    assert "Deny" in page.text
    assert "acme" in page.text
    assert "<script>" not in page.text


async def test_a_denial_is_sent_back_as_access_denied(app: App) -> None:
    answer = answered(await app.authorize(approve="no"))
    assert (answer["error"], answer["state"]) == ("access_denied", "st&te")


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "unknown"},
        {"response_type": "token"},
        {"redirect_uri": "javascript:alert(1)"},
        {"scope": "tweet.read tweet.eat"},
        {"scope": None},
        {"state": "s" * 501},
        {"state": None},
        {"code_challenge": None},
        {"code_challenge_method": "S512"},
    ],
    ids=lambda change: "-".join(f"{name}={str(value)[:12]}" for name, value in change.items()),
)
async def test_a_malformed_request_is_never_redirected(app: App, change: dict[str, str | None]) -> None:
    assert (await app.authorize(**change)).status_code == 400


async def test_a_code_becomes_a_pair_of_tokens_that_work(app: App) -> None:
    answer = await app.exchange(await app.code())
    body = answer.json()
    assert answer.status_code == 200
    assert (body["token_type"], body["expires_in"]) == ("bearer", 7200)
    assert set(body["scope"].split()) == set(SCOPES.split())
    assert (await app.me(body["access_token"])).json()["data"]["username"] == "acme"


async def test_a_refresh_token_comes_only_with_offline_access(app: App) -> None:
    answer = await app.exchange(await app.code(scope="tweet.read users.read"))
    assert "refresh_token" not in answer.json()


async def test_fewer_scopes_may_be_granted_than_asked_for(app: App) -> None:
    answer = await app.exchange(await app.code(grant="tweet.read"))
    assert answer.json()["scope"] == "tweet.read"


async def test_the_plain_method_compares_the_verifier_itself(app: App) -> None:
    code = await app.code(code_challenge=VERIFIER, code_challenge_method="plain")
    assert (await app.exchange(code)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [{"code_verifier": "another"}, {"redirect_uri": "https://app.example.com/callback"}, {"code": "unknown"}],
    ids=lambda change: next(iter(change)),
)
async def test_a_code_with_another_verifier_or_address_is_refused(app: App, change: dict[str, str]) -> None:
    answer = await app.exchange(await app.code(), **change)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_code_is_good_for_one_use(app: App) -> None:
    code = await app.code()
    assert (await app.exchange(code)).status_code == 200
    assert (await app.exchange(code)).status_code == 400


async def test_a_wrong_attempt_uses_the_code_up(app: App) -> None:
    code = await app.code()
    assert (await app.exchange(code, code_verifier="stolen")).status_code == 400
    assert (await app.exchange(code)).status_code == 400


@pytest.mark.parametrize("auth", [("unknown", "secret"), None], ids=["unknown client", "wrong secret"])
async def test_a_confidential_client_proves_itself_with_basic(app: App, auth: tuple[str, str] | None) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": app.refresh_token}
    answer = await app.token(auth or (app.client_id, "wrong"), **form)
    assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized_client")


async def test_a_client_id_in_the_body_is_no_proof(app: App) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": app.refresh_token, "client_id": app.client_id}
    answer = await app.world.http.post("/sandbox/twitter/2/oauth2/token", data=form)
    assert answer.status_code == 401


async def test_refreshing_rotates_and_kills_the_old_refresh_token(app: App) -> None:
    fresh = (await app.refresh(app.refresh_token)).json()
    assert (await app.me(fresh["access_token"])).status_code == 200
    reused = await app.refresh(app.refresh_token)
    assert reused.status_code == 400
    assert reused.json() == {
        "error": "invalid_request",
        "error_description": "Value passed for the token was invalid.",
    }
    assert (await app.refresh(fresh["refresh_token"])).status_code == 200


async def test_a_refresh_token_belongs_to_its_client(app: App, world: World) -> None:
    stranger = (await world.control("POST", "_accounts", json={"vendor": "twitter"})).json()
    answer = await app.token(
        (stranger["client_id"], stranger["client_secret"]), grant_type="refresh_token", refresh_token=app.refresh_token
    )
    assert answer.status_code == 400


async def test_a_revoked_consent_ends_all_its_tokens(app: App) -> None:
    form = {"token": app.access_token, "client_id": app.client_id}
    path = "/sandbox/twitter/2/oauth2/revoke"
    answer = await app.world.http.post(path, data=form, auth=(app.client_id, app.secret))
    assert answer.json() == {"revoked": True}
    assert (await app.me(app.access_token)).status_code == 401
    assert (await app.refresh(app.refresh_token)).status_code == 400


@pytest.mark.parametrize("grant", ["password", ""])
async def test_other_grants_are_unsupported(app: App, grant: str) -> None:
    answer = await app.token(grant_type=grant)
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


async def test_a_signed_refresh_token_gives_a_rotating_pair_once(app: App, world: World) -> None:
    signed = world.token("twitter", "signed", refresh=True)
    fresh = await app.refresh(signed)
    assert fresh.status_code == 200
    assert (await app.me(fresh.json()["access_token"])).json()["data"]["username"] == "signed"
    assert (await app.refresh(signed)).status_code == 400
    assert (await app.refresh(fresh.json()["refresh_token"])).status_code == 200


async def test_a_refresh_token_is_no_access_token(app: App, world: World) -> None:
    assert (await app.me(world.token("twitter", refresh=True))).status_code == 401
    assert (await app.me(app.refresh_token)).status_code == 401


async def test_a_client_of_no_owner_acts_for_whoever_is_logged_in(world: World) -> None:
    client = sandbox_client(SIGNING_KEY, vendor="twitter")
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": REDIRECT,
        "scope": SCOPES,
        "state": "s",
        "code_challenge": VERIFIER,
        "approve": "auto",
        "login": "newcomer",
    }
    path = "/sandbox/twitter/i/oauth2/authorize"
    assert (await world.http.get(path, params=query)).status_code == 401
    code = answered(await world.control("GET", "twitter/i/oauth2/authorize", params=query))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    answer = await world.http.post("/sandbox/twitter/2/oauth2/token", data=form, auth=(client.client_id, client.secret))
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    await world.http.post("/sandbox/twitter/2/tweets", json={"text": "Mine"}, headers=headers)
    assert [row["text"] for row in await world.ledger()] == ["Mine"]
