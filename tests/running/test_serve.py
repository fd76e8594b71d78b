"""`amp serve` and the commands beside it, as an operator uses them: real processes, one AMP_HOME."""

import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from amp.kit.postgres import data_directory
from serving import Process, free_port, start

AMP = [sys.executable, "-m", "amp.cli"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An AMP_HOME with an embedded database of its own."""
    return tmp_path_factory.mktemp("installation") / "home"


@pytest.fixture(scope="module")
def env(home: Path) -> dict[str, str]:
    cleared = {name: value for name, value in os.environ.items() if not name.startswith("AMP_")}
    return cleared | {"AMP_HOME": str(home), "AMP_PORT": str(free_port()), "AMP_LOG_LEVEL": "warning"}


@pytest.fixture(scope="module")
def starts(env: dict[str, str], home: Path) -> Iterator[list["Served"]]:
    """All servers that were started, one after the other."""
    starts = [Served(env, home.parent / "first.log")]
    yield starts
    starts[-1].process.stop()


@pytest.fixture
def served(starts: list["Served"], env: dict[str, str], tmp_path: Path) -> "Served":
    """A server that runs: another one only if a test ended the last."""
    if starts[-1].process.popen.poll() is not None:
        starts.append(Served(env, tmp_path / "serve.log"))
    return starts[-1]


class Served:
    """A running `amp serve`."""

    def __init__(self, env: dict[str, str], log: Path, *options: str) -> None:
        self.url = f"http://127.0.0.1:{env['AMP_PORT']}"
        self.log = log
        self.process: Process = start([*AMP, "serve", *options], env, log)
        wait_until(lambda: self.get("/readyz").status_code == 200, "it is ready", log)

    def get(self, path: str, **request: Any) -> httpx2.Response:
        try:
            return httpx2.get(self.url + path, trust_env=False, timeout=30, **request)
        except httpx2.TransportError:
            return httpx2.Response(599)

    def children(self) -> dict[str, int]:
        """The processes under the parent, by what they are."""
        listing = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.popen.pid)],
            capture_output=True,
            text=True,
            check=True,
        )
        found = re.findall(r"^\s*(\d+) .* amp\.cli (\w+)", listing.stdout, re.MULTILINE)
        return {name: int(pid) for pid, name in found}


def test_the_first_start_shows_all_that_a_newcomer_needs(starts: list[Served], served: Served, home: Path) -> None:
    log = starts[0].log
    wait_until(lambda: "curl" in log.read_text(), "the welcome is printed", log)
    text = log.read_text()
    credentials = json.loads((home / "credentials.json").read_text())
    assert all(str(credentials[name]) in text for name in ("email", "password", "api_key_live", "api_key_test"))
    assert stat.S_IMODE((home / "credentials.json").stat().st_mode) == 0o600
    command = shlex.split(text[text.index("curl") :].replace("\\\n", " "))
    assert command[1] == f"{served.url}/v1/missions"
    assert f"Authorization: Bearer {credentials['api_key_test']}" in command
    assert json.loads(command[command.index("-d") + 1])["name"] == "Product Launch Campaign"
    me = served.get("/v1/auth/whoami", headers={"Authorization": f"Bearer {credentials['api_key_test']}"})
    assert me.json()["environment"] == "test"


def test_its_pages_tell_how_it_is(served: Served) -> None:
    health = served.get("/healthz").json()
    assert (health["status"], health["clock"]["speed"], health["live"]) == ("ok", 1.0, True)
    assert served.get("/readyz").json()["checks"] == {"database": True, "migrations": True, "worker": True}
    served.get("/v1/auth/whoami")
    metrics = served.get("/metrics").text
    assert 'amp_request_seconds_count{method="GET",status="401",surface="amp"} 1.0' in metrics
    assert "amp_worker_up 1.0" in metrics


def test_a_child_that_dies_is_replaced(served: Served) -> None:
    for name in ("worker", "web"):
        victim = served.children()[name]
        os.kill(victim, signal.SIGKILL)

        def replaced(name: str = name, victim: int = victim) -> bool:
            return served.children().get(name, victim) != victim

        wait_until(replaced, f"another {name}", served.log)
    wait_until(lambda: served.get("/healthz").status_code == 200, "it answers", served.log)


def test_a_database_that_dies_is_started_again_and_the_log_says_it_in_lines(served: Served, home: Path) -> None:
    postmaster = data_directory(home) / "postmaster.pid"
    victim = postmaster.read_text().split()[0]
    os.kill(int(victim), signal.SIGKILL)
    wait_until(lambda: served.get("/readyz").status_code == 503, "it notices", served.log)
    wait_until(lambda: served.get("/readyz").status_code == 200, "it is ready again", served.log)
    assert postmaster.read_text().split()[0] != victim
    wait_until(lambda: "the queue was lost; starting over" in served.log.read_text(), "the worker says it", served.log)
    assert "Traceback" not in served.log.read_text()


def test_when_the_parent_dies_all_ends_and_can_be_started_again(
    served: Served, env: dict[str, str], home: Path, tmp_path: Path
) -> None:
    children = list(served.children().values())
    assert len(children) == 2
    os.kill(served.process.popen.pid, signal.SIGKILL)
    served.process.popen.wait()
    wait_until(lambda: not any(is_alive(pid) for pid in children), "no child is left", served.log)
    wait_until(lambda: not database_runs(home), "the database has stopped", served.log)
    again = Served(env, tmp_path / "again.log")
    wait_until(lambda: "is running" in again.log.read_text(), "it says that it runs", again.log)
    assert "password" not in again.log.read_text()
    children = list(again.children().values())
    again.process.stop()
    assert again.process.popen.returncode == 0
    assert "Stopping (SIGTERM)" in again.log.read_text()
    assert not any(is_alive(pid) for pid in children)
    assert not database_runs(home)


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_who_waits_for_a_database_says_it_once_and_who_is_told_to_stop_says_by_whom(
    env: dict[str, str], tmp_path: Path, asked: signal.Signals
) -> None:
    log = tmp_path / "worker.log"
    process = start([*AMP, "worker"], env | {"AMP_DATABASE_URL": "postgresql://127.0.0.1:9/amp"}, log)
    wait_until(lambda: "waiting for the database" in log.read_text(), "it waits", log)
    time.sleep(1.0)  # it tries five times a second
    process.popen.send_signal(asked)
    assert process.popen.wait(timeout=10) == 0
    assert log.read_text().count("waiting for the database") == 1
    assert f"Stopping ({asked.name})" in log.read_text()


def test_a_taken_port_is_a_sentence(served: Served, env: dict[str, str]) -> None:
    result = run(env, "serve")
    assert result.returncode == 1
    assert f"Port {env['AMP_PORT']} on 127.0.0.1 is taken" in result.stderr


def test_wrong_settings_are_a_sentence(env: dict[str, str]) -> None:
    result = run(env | {"AMP_PORT": "eighty"}, "serve")
    assert (result.returncode, result.stdout) == (78, "")
    assert result.stderr.startswith("These settings are wrong:\n  AMP_PORT: ")


def test_bootstrapping_again_shows_the_same(served: Served, env: dict[str, str], home: Path) -> None:
    shown = bootstrap(env)
    assert set(shown) == {"tenant_id", "email", "password", "api_key_live", "api_key_test"}
    assert shown == json.loads((home / "credentials.json").read_text())


def test_bootstrapping_can_give_new_secrets(served: Served, env: dict[str, str], home: Path) -> None:
    before = json.loads((home / "credentials.json").read_text())
    after = bootstrap(env, "--reset-password", "--new-keys")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"password", "api_key_live", "api_key_test"}
    for key, status in ((before["api_key_test"], 401), (after["api_key_test"], 200)):
        answer = served.get("/v1/auth/whoami", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == status


def test_secrets_that_are_not_kept_are_null(served: Served, env: dict[str, str], home: Path) -> None:
    kept = (home / "credentials.json").read_text()
    (home / "credentials.json").unlink()
    known, after = json.loads(kept), bootstrap(env)
    assert (after["tenant_id"], after["email"]) == (known["tenant_id"], known["email"])
    assert (after["password"], after["api_key_live"], after["api_key_test"]) == (None, None, None)
    (home / "credentials.json").write_text(kept)


def test_keys_can_be_made_listed_and_revoked(served: Served, env: dict[str, str]) -> None:
    key = run(env, "keys", "create", "for CI", "--scope", "draft").stdout.strip()
    assert key.startswith("amp_test_")
    newest = json.loads(run(env, "keys", "list", "--json").stdout)[0]
    assert (newest["name"], newest["scopes"]) == ("for CI", ["draft"])
    assert (
        run(env, "keys", "revoke", newest["id"]).stdout == f"{newest['id']} is revoked: its next request is refused.\n"
    )
    nameless = run(env, "keys", "create", " ")
    assert (nameless.returncode, nameless.stderr) == (1, "A key's name has 1 to 100 characters\n")
    answer = served.get("/v1/auth/whoami", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401


def test_the_doctor_finds_nothing_that_must_be_done(served: Served, env: dict[str, str]) -> None:
    result = run(env, "doctor")
    assert result.returncode == 0, result.stdout
    assert re.search(r"^ok +isolation", result.stdout, re.MULTILINE)
    assert re.search(r"^ok +worker", result.stdout, re.MULTILINE)
    assert re.search(r"^ok +media", result.stdout, re.MULTILINE)


def test_wrong_settings_are_all_named_before_anything_starts(env: dict[str, str]) -> None:
    wrong = {
        "AMP_PORT": "99999",
        "AMP_DATABASE_URL": "foo",
        "AMP_PUBLIC_URL": "amp.example.com",
        "AMP_LOG_LEVEL": "loud",
        "AMP_CLOCK_SPEED": "1e9",
        "AMP_SECRET_KEY": "short",
        "AMP_MISSED_AFTER": "tomorrow",
    }
    result = run(env | wrong, "serve")
    assert result.returncode == 78
    assert set(re.findall(r"^  (AMP_\w+): ", result.stderr, re.MULTILINE)) == set(wrong)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("AMP_HOME", "/dev/null", "AMP_HOME: /dev/null cannot be used: File exists"),
        ("AMP_HOST", "999.1.1.1", "AMP cannot listen on 999.1.1.1, port "),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(env: dict[str, str], name: str, value: str, sentence: str) -> None:
    result = run(env | {name: value}, "serve")
    assert result.returncode != 0
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_the_doctor_knows_another_master_key(served: Served, env: dict[str, str]) -> None:
    result = run(env | {"AMP_SECRET_KEY": "not the key of this home"}, "doctor")
    assert re.search(
        r"^fail +secrets +API keys or tokens were made with the master key [0-9a-f]{8}", result.stdout, re.M
    )
    assert result.returncode == 1
    own = (Path(env["AMP_HOME"]) / "secret.key").read_text()
    named = run(env | {"AMP_SECRET_KEY": "not the key of this home", "AMP_SECRET_KEY_PREVIOUS": own}, "doctor")
    assert re.search(r"^ok +secrets", named.stdout, re.MULTILINE)


def test_the_doctor_knows_misspelled_settings(served: Served, env: dict[str, str]) -> None:
    result = run(env | {"AMP_PUBLIK_URL": "https://amp.example.com", "AMP_URL_TWITTER": "http://x.test"}, "doctor")
    assert re.search(
        r"^warn +settings +AMP_PUBLIK_URL is no setting: did you mean AMP_PUBLIC_URL\?$", result.stdout, re.M
    )
    assert "AMP_URL_TWITTER is no setting" not in result.stdout
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("202001", r"^fail +version +LINKEDIN_API_VERSION=202001 is over since 2021-01-01"),
        ("209912", r"^ok +version +LINKEDIN_API_VERSION=209912, until 2100-12-01"),
    ],
)
def test_the_doctor_warns_of_versions_that_vendors_end(
    served: Served, env: dict[str, str], version: str, found: str
) -> None:
    result = run(env | {"LINKEDIN_API_VERSION": version}, "doctor")
    assert re.search(found, result.stdout, re.MULTILINE), result.stdout
    assert result.returncode == (1 if found.startswith("^fail") else 0)


def test_migrating_can_be_asked_about(served: Served, env: dict[str, str]) -> None:
    assert run(env, "migrate", "--check").returncode == 0
    assert run(env, "migrate").returncode == 0


def bootstrap(env: dict[str, str], *options: str) -> dict[str, Any]:
    result = run(env, "bootstrap", "--json", *options)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def run(env: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*AMP, *arguments], env=env, capture_output=True, text=True, check=False, timeout=120)


def database_runs(home: Path) -> bool:
    listing = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    return f"-D {data_directory(home)} " in listing


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(condition: Callable[[], bool], what: str, log: Path, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{log.read_text()}"
        time.sleep(0.05)
