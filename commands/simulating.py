"""`qingyuan simulate`: months of the loop on a simulated platform, its figures beside the truth."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.context import DEMO_META, UsageError, context, open_store
from commands.running import run
from commands.workspace import make_workspace
from storage.records import Actor, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from demo.simulation.driver import Run
    from demo.simulation.site import Site

START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
"""When every simulation begins: Monday of 2026-W47, 09:00 in Shanghai."""

_MARK = "# A simulated workspace: its clock may be moved, its rows are marked simulated.\n"
# The driver types these at its own hours, so that some of them can be killed; the schedule drafts.
_TYPED = ("screen_posts", "cluster", "capture", "recheck", "notify", "summary")
_NOT_SCHEDULED = "".join(f'{name} = ""\n' for name in _TYPED)
_ROLES = ("admin", "analyst", "senior", "compliance")
_INTERRUPTED = 130
_DATABASE = "QINGYUAN_DATABASE_URL"


def register(app: typer.Typer) -> None:
    """Add the command; the simulation types its commands into the same application."""

    @app.command("simulate")
    def simulate(
        *,
        weeks: Annotated[int, typer.Option(min=1, max=520, help="How many weeks are played.")] = 12,
        seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same world.")] = 1,
        keep: Annotated[bool, typer.Option("--keep", help="Keep the temporary workspace.")] = False,
    ) -> None:
        """Play weeks of the real loop on a simulated platform; print figures beside the truth."""
        answer = _play_in_folder(app, weeks=weeks, seed=seed, keep=keep)
        if context.json:
            context.out.obj(answer)
        else:
            show(answer)


def _play_in_folder(app: typer.Typer, *, weeks: int, seed: int, keep: bool) -> dict[str, Any]:
    root = _folder(context.data)
    kept = True
    try:
        answer = _simulate(app, root, weeks=weeks, seed=seed)
        kept = keep or context.data is not None or bool(answer.get("problems"))
    except KeyboardInterrupt:
        kept = keep or context.data is not None
        raise
    finally:
        if kept:
            context.out.note(f"The simulation's workspace is {root}")
        else:
            shutil.rmtree(root)
    return {**answer, "data": str(root)} if kept else answer


def _folder(wanted: Path | None) -> Path:
    if os.environ.get(_DATABASE):
        message = f"a simulation has a database of its own: unset {_DATABASE}; nothing was changed"
        raise UsageError(message, field=_DATABASE)
    if wanted is None:
        return Path(tempfile.mkdtemp(prefix="qingyuan-simulation-"))
    root = wanted.expanduser().resolve()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UsageError(f"{root} is not empty; nothing was changed", field="--data")
    root.mkdir(parents=True, exist_ok=True)
    return root


def _simulate(app: typer.Typer, root: Path, *, weeks: int, seed: int) -> dict[str, Any]:
    from demo.calls import CommandError
    from demo.simulation.play import play

    with (
        context.out.progress(f"simulating, seed {seed}: weeks") as update,
        prepared(app, root, weeks=weeks, seed=seed, say=lambda week: update(week, weeks)) as one,
    ):
        try:
            return play(one)
        except CommandError as error:
            if error.code == _INTERRUPTED:
                raise KeyboardInterrupt from None
            raise


@contextlib.contextmanager
def prepared(app: typer.Typer, root: Path, *, weeks: int, seed: int, say: Callable[[int], None]) -> Iterator[Run]:
    """Make the world, its forum and desk, and a workspace in ``root`` that reads and sends to them."""
    from demo.calls import CommandLine
    from demo.simulation.desk import SECRET_VARIABLE, Desk
    from demo.simulation.driver import Run
    from demo.simulation.making import Plan
    from demo.simulation.rates import Rates
    from demo.simulation.site import Site
    from demo.simulation.world import World

    world = World(Plan(seed=seed, start=START, weeks=weeks, rates=Rates()))
    desk = Desk(world)
    os.environ[SECRET_VARIABLE] = desk.secret
    try:
        with Site(world) as site, desk:
            _make(root, site)
            desk.write_channel(root / "overlays" / "channels")
            typed = CommandLine(root, lambda argv: run(app, argv))
            yield Run(root=root, world=world, desk=desk, type_command=typed, base=site.base, say=say)
    finally:
        del os.environ[SECRET_VARIABLE]


def _make(root: Path, site: Site) -> None:
    """Make the workspace with its people; its passwords are for nobody."""
    import secrets

    import yaml

    from storage.meta import put_meta
    from storage.users import add_user

    watch = yaml.safe_dump({"sources": [site.watch_source()]}, allow_unicode=True, sort_keys=False)
    settings = f'{_MARK}[institution]\nname = "清源示范银行"\n\n[schedule]\n{_NOT_SCHEDULED}'
    made = make_workspace(
        root, password=secrets.token_urlsafe(16), now=START, settings=settings, watch=_MARK + watch
    )
    store = open_store(made)
    store.simulated = True
    admin, *others = _ROLES
    boss = Actor(name=admin, role=Role.ADMIN, via="cli")
    with store.write(START) as unit:
        put_meta(unit.conn, DEMO_META, value=True)
        for name in others:
            add_user(unit, name, role=Role(name), password=secrets.token_urlsafe(16), actor=boss)
    store.close()


def show(answer: dict[str, Any]) -> None:
    """Print the figures as a table for people; missed aims follow as problems."""
    from demo.simulation.table import rows_of

    context.out.lines(rows_of(answer))
    problems = answer.get("problems", [])
    context.out.problems.extend(problems)
    for problem in problems:
        context.out.note_problem(problem)
