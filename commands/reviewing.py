"""The commands of review: clues, clusters, people, the desk."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from commands.context import UsageError, context
from commands.workspace import read_password
from storage.errors import ForbiddenError, InputError
from storage.records import Band, ClueState, Json, Role, parse_id

clues_app = typer.Typer(help="Clues: posts, comments and accounts suspected of a solicitation.")
clusters_app = typer.Typer(help="Clusters: clues that seem to be one operator's.")
users_app = typer.Typer(help="People and their one role each; needs --as of an admin.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(clues_app, name="clues")
    app.add_typer(clusters_app, name="clusters")
    app.add_typer(users_app, name="users")
    app.command("serve")(serve)


@clues_app.command("list")
def list_command(
    *,
    state: Annotated[ClueState | None, typer.Option(help="Only clues in this state.")] = None,
    platform: Annotated[str | None, typer.Option(help="Only clues of this platform.")] = None,
    category: Annotated[str | None, typer.Option(help="Only clues of this category.")] = None,
    band: Annotated[Band | None, typer.Option(help="Only clues of this band.")] = None,
) -> None:
    """List clues, newest first."""
    from storage.clues import clue_line, list_clues

    now = context.now()
    with context.store.read() as conn:
        rows = list_clues(
            conn,
            states=[state] if state else [],
            platform=platform,
            category=category,
            band=band,
            limit=context.limit,
        )
        context.out.lines(
            (clue_line(row, now=now) for row in rows),
            shown=("clue", "state", "band", "score", "categories", "target", "cluster", "post"),
        )


@clues_app.command("show")
def show_clue(clue: Annotated[str, typer.Argument(metavar="ID", help="The clue, as c12.")]) -> None:
    """Show one clue: post, findings, contacts, decisions, evidence."""
    from storage.clue_details import clue_details

    with context.store.read() as conn:
        context.out.obj(clue_details(conn, parse_id("clue", clue), sealer=context.sealer, now=context.now()))


@clues_app.command("decide")
def decide(
    clue: Annotated[str, typer.Argument(metavar="ID", help="The clue, as c12.")],
    conclusion: Annotated[
        Literal["confirmed", "rejected", "unsure", "duplicate"],
        typer.Argument(metavar="CONCLUSION", help="What you conclude."),
    ],
    *,
    category: Annotated[str | None, typer.Option(help="Category; default: the machine's first.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    of: Annotated[str | None, typer.Option(metavar="ID", help="The clue that a duplicate repeats.")] = None,
    version: Annotated[int | None, typer.Option(help="Refuse when the clue is at another version.")] = None,
) -> None:
    """Record your conclusion about a clue."""
    from classifiers.records import Category
    from storage.decisions import decide_clue

    if category is not None and category not in set(Category):
        raise InputError("bad_field", f"{category!r} is none of {', '.join(Category)}", field="--category")
    clue_id, of_id = parse_id("clue", clue), parse_id("clue", of) if of else None
    actor = context.actor()
    with context.store.write(context.now()) as unit:
        row = decide_clue(
            unit,
            clue_id,
            conclusion,
            actor=actor,
            category=category,
            reason=reason,
            of=of_id,
            version=version,
        )
    context.out.obj({"clue": row.key, "state": row.state.value, "version": row.version})


@clues_app.command("undo")
def undo(clue: Annotated[str, typer.Argument(metavar="ID", help="The clue, as c12.")]) -> None:
    """Take the last decision back; the clue waits in the queue again."""
    from storage.decisions import undo_clue

    clue_id, actor = parse_id("clue", clue), context.actor()
    with context.store.write(context.now()) as unit:
        row = undo_clue(unit, clue_id, actor=actor)
    context.out.obj({"clue": row.key, "state": row.state.value, "version": row.version})


@clusters_app.command("list")
def list_clusters_command() -> None:
    """List clusters, newest first."""
    from storage.clusters import cluster_line, list_clusters

    with context.store.read() as conn:
        context.out.lines(cluster_line(row) for row in list_clusters(conn, limit=context.limit))


@clusters_app.command("show")
def show_cluster(cluster: Annotated[str, typer.Argument(metavar="ID", help="The cluster, as g3.")]) -> None:
    """Show one cluster: its members and what links them."""
    from storage.clusters import cluster_details

    with context.store.read() as conn:
        context.out.obj(cluster_details(conn, parse_id("cluster", cluster)))


@users_app.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The person's name.")],
    *,
    role: Annotated[Role, typer.Option(help="What the person may do.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Add a person."""
    from storage.users import add_user

    actor = context.actor()
    password = read_password(from_stdin=password_stdin)
    with context.store.write(context.now()) as unit:
        row = add_user(unit, name, role=role, password=password, actor=actor)
    context.out.obj(_user_line(row.name, row.role, disabled=row.disabled))


@users_app.command("list")
def list_users_command() -> None:
    """List people, newest first."""
    from storage.users import list_users

    actor = context.actor()
    if actor.role is not Role.ADMIN:
        raise ForbiddenError(actor.name, "list users", needs=(Role.ADMIN,))
    with context.store.read() as conn:
        rows = list_users(conn)
    context.out.lines(
        _user_line(row.name, row.role, disabled=row.disabled) for row in rows[: context.limit or None]
    )


@users_app.command("disable")
def disable(name: Annotated[str, typer.Argument(metavar="NAME", help="The person's name.")]) -> None:
    """Disable a person and end the person's sessions."""
    from storage.users import disable_user

    actor = context.actor()
    with context.store.write(context.now()) as unit:
        row = disable_user(unit, name, actor=actor)
    context.out.obj(_user_line(row.name, row.role, disabled=row.disabled))


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen at; default from the settings.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port, 0 = a free one.")] = None,
) -> None:
    """Serve the review desk until interrupted."""
    from commands.desk import serve_desk

    settings = context.workspace.settings.desk
    if host == "":
        raise UsageError("the address is empty", field="--host")
    try:
        serve_desk(context, host=host or settings.host, port=settings.port if port is None else port)
    except OSError as error:
        raise UsageError(f"cannot listen there: {error.strerror}", field="--port") from None


def _user_line(name: str, role: Role, *, disabled: bool) -> Json:
    return {"name": name, "role": role.value, "disabled": disabled}
