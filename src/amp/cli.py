"""The `amp` command. Each command loads what it needs when it runs: `amp --help` must be instant."""

from typing import Annotated

import typer

app = typer.Typer(
    help="AMP, a self-hosted marketing engine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys = typer.Typer(help="API keys of the first tenant.", no_args_is_help=True)
app.add_typer(keys, name="keys")

Child = Annotated[bool, typer.Option("--child", hidden=True)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON only.")]


@app.command()
def serve(
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer requests.")] = 1,
    with_worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Run jobs too.")] = True,
) -> None:
    """Start everything: the API, a worker, and PostgreSQL if none is configured."""
    from amp.commands.supervisor import Supervisor

    supervisor = Supervisor.of(web_processes=workers, with_worker=with_worker)
    supervisor.start()  # they load while we do
    from amp.commands.serve import serve

    raise typer.Exit(serve(supervisor))


@app.command(hidden=True)
def web(child: Child = False, prepares: bool = False) -> None:
    """One process that answers requests."""
    from amp.commands.starting import load_process_settings, run

    settings = load_process_settings(child=child)
    from amp.commands.web import run_web

    run(run_web(settings, child=child, prepares=prepares))


@app.command()
def worker(child: Child = False) -> None:
    """Run jobs until told to stop. As many as you like, on as many machines as you like."""
    from amp.commands.starting import load_process_settings, run

    settings = load_process_settings(child=child)
    from amp.commands.worker import run_worker

    run(run_worker(settings, child=child))


@app.command()
def migrate(check: Annotated[bool, typer.Option(help="Only tell (exit status 1 if it is needed).")] = False) -> None:
    """Bring the database to the newest shape."""
    from amp.commands.migrate import migrate

    raise typer.Exit(migrate(check=check))


@app.command()
def bootstrap(
    as_json: AsJson = False,
    reset_password: Annotated[bool, typer.Option(help="Give the owner a new password.")] = False,
    new_keys: Annotated[bool, typer.Option(help="Make new keys in place of the first ones.")] = False,
) -> None:
    """Make the first tenant and show its credentials. Again, and they are shown again."""
    from amp.commands.administer import show_credentials

    show_credentials(as_json=as_json, reset_password=reset_password, new_keys=new_keys)


@keys.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys, without their secrets."""
    from amp.commands.administer import list_keys

    list_keys(as_json=as_json)


@keys.command("create")
def create_key(
    name: str,
    live: Annotated[bool, typer.Option("--live/--test", help="For which environment.")] = False,
    scope: Annotated[list[str] | None, typer.Option(help="read, draft, publish, campaigns or admin.")] = None,
) -> None:
    """Make a key and print it, this once."""
    from amp.commands.administer import create_key

    create_key(name, live=live, scopes=scope or [])


@keys.command("revoke")
def revoke_key(key_id: str) -> None:
    """End a key at once."""
    from amp.commands.administer import revoke_key

    revoke_key(key_id)


@keys.command("rotate-encryption")
def rotate_encryption() -> None:
    """Seal all tokens with AMP_SECRET_KEY that a key in AMP_SECRET_KEY_PREVIOUS sealed. Safe at any time, and again."""
    from amp.commands.administer import rotate_encryption

    raise typer.Exit(rotate_encryption())


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Where the demo's own server listens.")] = 8089,
) -> None:
    """Watch a mission of fourteen days in under two minutes, on a server and a database of its own."""
    from amp.commands.demo import run_demo

    run_demo(port)


@app.command()
def doctor() -> None:
    """Check everything that can go wrong, and say what to do about it."""
    from amp.commands.doctor import examine

    raise typer.Exit(examine())


if __name__ == "__main__":
    app()
