"""The demo: a fourteen-day mission in under two minutes, from the first request to what was learned.

It starts a server of its own with a fast clock, speaks to it as any client does, plays the reviewer, and tells
what happens. Nothing here is special to the demo but the speed.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.table import Table

from amp.commands.starting import load_settings
from amp.config import child_environment
from amp.seed_mission import SEED_MISSION

SPEED = 12_000
_PATIENCE = 170.0
_CALM = 0.4
console = Console()


def run_demo(port: int) -> None:
    """Run the whole story. Exits with a message when the server does not come up."""
    home = load_settings().home_directory / "demo"
    home.mkdir(exist_ok=True)
    with _server(home, port) as credentials:
        client = httpx2.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {credentials['api_key_test']}"},
            timeout=20,
            trust_env=False,
        )
        console.print(Panel.fit(f"AMP demo: {SPEED:,} times faster than real time", border_style="cyan"))
        mission = client.post("/v1/missions", json=SEED_MISSION).raise_for_status().json()
        console.print(f"Created [b]{mission['name']}[/b] ({mission['id']}): {mission['estimated_posts']} posts planned")
        _watch(client, mission["id"])
        _tell(client, mission["id"])
        _leave_open(client)


@contextmanager
def _server(home: Path, port: int) -> Generator[dict[str, str]]:
    """A server with a fast clock on a database of its own; stopped with the demo."""
    amp = [sys.executable, "-m", "amp.cli"]
    environment = child_environment(home=home, port=port, clock_speed=SPEED, log_level="warning")
    made = subprocess.run([*amp, "bootstrap", "--json"], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if made.returncode:
        raise SystemExit(made.stderr)
    credentials: dict[str, str] = json.loads(made.stdout)
    log = (home / "demo.log").open("w")
    server = subprocess.Popen([*amp, "serve"], env=environment, stdout=log, stderr=log)  # noqa: S603
    try:
        _await_ready(port, server, home / "demo.log")
        yield credentials
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=60)
        log.close()


def _await_ready(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    with console.status("Starting the server"):
        while time.monotonic() < deadline and server.poll() is None:
            try:
                if httpx2.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.2)
    raise SystemExit(f"The server did not come up:\n{log.read_text()}")


def _watch(client: httpx2.Client, mission_id: str) -> None:
    """Show the status until the mission is over, approving what waits for review."""
    deadline = time.monotonic() + _PATIENCE
    with Live(console=console, refresh_per_second=4) as live:
        while time.monotonic() < deadline:
            _review(client, mission_id)
            status = client.get(f"/v1/missions/{mission_id}/status").raise_for_status().json()
            now = client.get("/healthz").json()["clock"]["now"]
            live.update(_picture(status, now))
            if status["status"] in ("completed", "failed"):
                return
            time.sleep(_CALM)


def _review(client: httpx2.Client, mission_id: str) -> None:
    waiting = client.get("/v1/content", params={"mission_id": mission_id, "status": "pending_review", "limit": 100})
    ids = [item["id"] for item in waiting.raise_for_status().json()["data"]]
    if ids:
        client.post("/v1/content/approve", json={"content_ids": ids}).raise_for_status()


def _picture(status: dict[str, Any], now: str) -> Table:
    table = Table(title=f"{status['status']}   {now[:16].replace('T', ' ')} (virtual)", min_width=60)
    table.add_column("stage")
    table.add_column("")
    pipeline = status["pipeline"]
    for stage, run in pipeline["stages"].items():
        done = run["status"] == "completed"
        mark = "[green]done[/green]" if done else f"{run['status']} {run.get('progress_percent', '')}"
        table.add_row(f"cycle {pipeline['cycle']}: {stage}", mark)
    counts = status["content"]
    line = ", ".join(f"{counts[name]} {name}" for name in ("generated", "approved", "scheduled", "published"))
    table.add_row("content", line)
    return table


def _tell(client: httpx2.Client, mission_id: str) -> None:
    report = client.get(f"/v1/analytics/missions/{mission_id}").raise_for_status().json()
    summary = report["summary"]
    console.print(
        f"\n[b]{summary['posts_published']} posts[/b] published, {summary['total_impressions']:,} impressions, "
        f"{summary['total_engagements']:,} engagements, engagement rate {summary['engagement_rate']} %"
    )
    for kpi in report["kpi_progress"]:
        console.print(f"  KPI {kpi['metric']}: {kpi['current']} of {kpi['target']} ({kpi['status']})")
    console.print("[b]What the optimizer learned[/b]")
    for insight in report["optimization_insights"]:
        console.print(f"  {insight['insight']} (confidence {insight['confidence']})")
    if not report["optimization_insights"]:
        console.print("  Not enough data: no difference is certain enough to claim yet.")
    _show_posts(client, mission_id)


def _show_posts(client: httpx2.Client, mission_id: str) -> None:
    found = client.get("/v1/content", params={"mission_id": mission_id, "status": "published", "limit": 6})
    table = Table(title="The latest posts in the sandbox feeds")
    table.add_column("platform")
    table.add_column("text", overflow="fold")
    for item in found.raise_for_status().json()["data"]:
        table.add_row(item["platform"], item["parts"][0][:160])
    console.print(table)


def _leave_open(client: httpx2.Client) -> None:
    """At a terminal the server stays until the person leaves; in a script the demo ends."""
    link = client.get("/v1/connect/status").raise_for_status().json()["sandbox"]["feeds_url"]
    if sys.stdout.isatty():
        console.print(f"The feeds: [link]{link}[/link]   (Ctrl-C to stop the server)")
        try:
            signal.pause()
        except KeyboardInterrupt:
            return
