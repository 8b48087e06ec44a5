"""`qingyuan demo`: the whole loop on the embedded demo platforms, then the desk."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.context import DEMO_META, Context, UsageError, context, open_store
from commands.running import run
from commands.workspace import make_workspace
from storage.records import Actor, Role

if TYPE_CHECKING:
    from demo.player import Play

_DATABASE = "QINGYUAN_DATABASE_URL"
_MARK = "# A demo workspace: its clock may be moved, its rows are marked simulated.\n"


def register(app: typer.Typer) -> None:
    """Add the command; the play types its commands into the same application."""

    @app.command("demo")
    def demo(
        *,
        no_serve: Annotated[bool, typer.Option("--no-serve", help="Print the summary and stop.")] = False,
        port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the desk, 0 = a free one.")] = 8000,
    ) -> None:
        """Play the whole loop on demo platforms over loopback, then open the desk."""
        play_demo(app, serve=not no_serve, port=port)


def play_demo(app: typer.Typer, *, serve: bool, port: int) -> None:
    """Play what has not been played yet in a demo folder, then print the summary or serve the desk."""
    began = time.monotonic()
    root = _folder(context.data)
    context.out.note(f"The demo's workspace is {root}")
    play = _open_play(app, root)
    try:
        _write_demo_file(play, url=None)
        answer = _perform(play, began)
        if serve:
            _serve(play, port, answer)
        else:
            context.out.obj(answer)
    finally:
        play.save()
        play.platforms.stop()


def _folder(wanted: Path | None) -> Path:
    from demo.player import saved_state

    if wanted is None:
        return Path(tempfile.mkdtemp(prefix="qingyuan-demo-"))
    root = wanted.expanduser().resolve()
    root.mkdir(parents=True, exist_ok=True)
    if any(root.iterdir()) and saved_state(root) is None:
        raise UsageError(f"{root} is not empty and no demo folder; nothing was changed", field="--data")
    return root


def _open_play(app: typer.Typer, root: Path) -> Play:
    """Start the platforms, where an earlier play had them, and make the workspace unless it is there."""
    from demo.calls import CommandLine
    from demo.people import Person, cast
    from demo.player import Play, saved_state
    from demo.server import DemoPlatforms
    from demo.world import World

    state = saved_state(root)
    world = World.restore(state["world"]) if state else World()
    ports = state["ports"] if state else ()
    try:
        platforms = DemoPlatforms(world, ports=ports).start()
    except OSError as error:
        raise UsageError(f"ports {ports} of this demo are taken: {error}", field="--data") from None
    play = Play(
        root=root,
        type_command=CommandLine(root, lambda argv: run(app, argv)),
        platforms=platforms,
        people=[Person(name=name, role=role, password=word) for name, role, word in state["users"]]
        if state
        else cast(),
        say=context.out.note,
        done=state["done"] if state else [],
        batch=state["batch"] if state else None,
    )
    if "workspace" not in play.done:
        _make(play)
    return play


def _make(play: Play) -> None:
    """Make the workspace with its people; what a killed call left of it is dropped first."""
    import yaml

    from storage.meta import put_meta
    from storage.users import add_user

    _check_database()
    play.save()
    for path in play.root.iterdir():
        if "demo-state" not in path.name:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    no_sandbox = str(hasattr(os, "geteuid") and os.geteuid() == 0).lower()
    settings = f'{_MARK}[institution]\nname = "清源示范银行"\n\n[browser]\nno_sandbox = {no_sandbox}\n'
    watch = yaml.safe_dump({"sources": play.platforms.watch_sources()}, allow_unicode=True, sort_keys=False)
    admin, *others = play.people
    now = play.start
    made = make_workspace(play.root, password=admin.password, now=now, settings=settings, watch=_MARK + watch)
    store = open_store(made)
    store.simulated = True
    with store.write(now) as unit:
        put_meta(unit.conn, DEMO_META, value=True)
        for person in others:
            boss = Actor(name=admin.name, role=Role.ADMIN, via="cli")
            add_user(unit, person.name, role=Role(person.role), password=person.password, actor=boss)
    store.close()
    play.done.append("workspace")
    play.save()


def _check_database() -> None:
    """Refuse a database with something in it: the demo plays in the one that the environment names."""
    import sqlalchemy as sa

    from storage.engine import make_engine

    url = os.environ.get(_DATABASE)
    if not url:
        return
    engine = make_engine(url)
    try:
        is_empty = not sa.inspect(engine).get_table_names()
    finally:
        engine.dispose()
    if not is_empty:
        message = f"the database that {_DATABASE} names is not empty; name an empty one or unset it"
        raise UsageError(message, field=_DATABASE)


def _perform(play: Play, began: float) -> dict[str, Any]:
    from demo.player import perform
    from demo.summary import summarise
    from storage.evidence import verify_all

    perform(play)
    inner = Context(data=play.root)
    store = open_store(inner.workspace)
    with store.read() as conn:
        evidence = verify_all(conn, inner.workspace.evidence)
    store.close()
    return summarise(play, evidence=evidence, seconds=time.monotonic() - began)


def _write_demo_file(play: Play, *, url: str | None) -> None:
    truth = play.root / "truth.jsonl"
    lines = [json.dumps(line, ensure_ascii=False) + "\n" for line in play.truth()]
    truth.write_text("".join(lines), "utf-8")
    users = [{"name": one.name, "role": one.role, "password": one.password} for one in play.people]
    path = play.root / "demo.json"
    path.write_text(json.dumps({"url": url, "users": users, "truth": str(truth)}, ensure_ascii=False), "utf-8")
    path.chmod(0o600)


def _serve(play: Play, port: int, answer: dict[str, Any]) -> None:
    from commands.desk import serve_desk
    from demo.calls import moved_clock
    from demo.player import STORY_DAYS

    for name, value in answer.items():
        context.out.note(f"  {name}: {json.dumps(value, ensure_ascii=False)}")
    for person in play.people:
        context.out.note(f"  sign in as {person.name} with {person.password}")
    with moved_clock(play.at(STORY_DAYS, hours=12)):
        inner = Context(data=play.root, json=context.json, out=context.out)
        serve_desk(inner, host="127.0.0.1", port=port, ready=lambda url: _write_demo_file(play, url=url))
