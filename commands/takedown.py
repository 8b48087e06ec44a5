"""The commands of the takedown loop: channels, batches, packages, replies."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.context import context, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reporting.channel import Channel
    from reporting.sending import SendSettings
    from storage.records import Json

channels_app = typer.Typer(help="Channels: where takedown requests go.")
batch_app = typer.Typer(help="Weekly batches of confirmed clues, one channel each.")
replies_app = typer.Typer(help="What platforms answered.")

Code = Annotated[str, typer.Argument(metavar="ID", help="The batch, as 2026-W47-partner_desk.")]
Strike = Annotated[list[str] | None, typer.Option(metavar="CLUE", help="Take this clue's item out; repeatable.")]
Note = Annotated[str | None, typer.Option(help="A note for the record.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(channels_app, name="channels")
    app.add_typer(batch_app, name="batch")
    app.add_typer(replies_app, name="replies")
    app.command("verify-package")(verify_package_command)


@channels_app.callback()
def _channels() -> None:
    """Channels: where takedown requests go."""


@replies_app.callback()
def _replies() -> None:
    """What platforms answered."""


@channels_app.command("list")
def list_channels() -> None:
    """List the channels in force, with the origin and hash of each file."""
    from reporting.channel import channel_line

    rows = [channel_line(channel) for channel in channels().values()]
    context.out.lines(rows[: context.limit or None], shown=("channel", "version", "origin", "title"))


@batch_app.command("draft")
def draft(
    *,
    channel: Annotated[str, typer.Option(help="Where it goes.")],
    week: Annotated[str | None, typer.Option(help="ISO week, as 2026-W47; default: all confirmed by now.")] = None,
) -> None:
    """Put confirmed clues into the channel's draft of the week."""
    from commands.leash import scheduled_draft
    from reporting.channel import get_channel
    from reporting.drafts import SCHEDULER, draft_batch

    check = scheduled_draft(week)
    actor = context.actor() if check is None else SCHEDULER
    chosen = get_channel(channels(), channel)
    context.out.obj(draft_batch(context.store, chosen, week=week, now=context.now(), actor=actor, check=check))


@batch_app.command("propose")
def propose(batch: Code, *, strike: Strike = None, note: Note = None) -> None:
    """Freeze a draft and lay it before an approver."""
    from reporting.batches import propose_batch

    actor = context.actor()
    context.out.obj(
        propose_batch(
            context.store, channels(), batch, strike=strike or (), note=note, now=context.now(), actor=actor
        )
    )


@batch_app.command("approve")
def approve(batch: Code, *, strike: Strike = None, note: Note = None) -> None:
    """Approve a proposed batch; refused whole when you decided or proposed an item of it."""
    from reporting.batches import approve_batch

    actor = context.actor()
    context.out.obj(
        approve_batch(context.store, batch, strike=strike or (), note=note, now=context.now(), actor=actor)
    )


@batch_app.command("return")
def give_back(batch: Code, *, strike: Strike = None, note: Note = None) -> None:
    """Give a proposed or approved batch back."""
    from reporting.batches import return_batch

    actor = context.actor()
    context.out.obj(
        return_batch(context.store, batch, strike=strike or (), note=note, now=context.now(), actor=actor)
    )


@batch_app.command("export")
def export(
    batch: Code,
    *,
    out: Annotated[Path | None, typer.Option("-o", metavar="FILE", help="Also write the package here.")] = None,
) -> None:
    """Build the package of an approved batch, once; gone targets are struck and listed."""
    from commands.visits import probe_targets
    from reporting.exports import PackageSettings, export_batch

    actor, workspace = context.actor(), context.workspace
    _note_missing_name()
    sender = workspace.settings.institution
    settings = PackageSettings(
        packages_root=workspace.packages,
        institution=sender.name,
        authority=sender.authority,
        department=sender.department,
        person=sender.person,
        contact=sender.contact,
        pledge=sender.pledge,
        pdf=workspace.settings.packages.letter_pdf,
        live_within=timedelta(hours=workspace.settings.packages.live_within_hours),
    )
    context.out.obj(
        export_batch(
            context.store,
            channels(),
            batch,
            settings=settings,
            out=out.absolute() if out else None,
            probe=probe_targets,
            now=context.now(),
            actor=actor,
        )
    )


def _note_missing_name() -> None:
    """Tell the person when the letter has a placeholder for the sender's name."""
    from settings import SETTINGS_FILE, Institution

    if context.workspace.settings.institution.name.strip() in {"", Institution().name}:
        file = context.workspace.root / SETTINGS_FILE
        context.out.note(f"note: the letter does not name who sends it; set institution.name in {file}")


@batch_app.command("sent")
def sent(
    batch: Code,
    *,
    at: Annotated[str, typer.Option(metavar="TIME", help="When, ISO 8601; without offset Asia/Shanghai.")],
    receipt: Annotated[str, typer.Option(help="What the receiver gave as receipt.")],
) -> None:
    """Record that a person sent an exported batch."""
    from reporting.batches import mark_sent

    actor, moment = context.actor(), parse_time(at, "--at")
    context.out.obj(mark_sent(context.store, batch, at=moment, receipt=receipt, now=context.now(), actor=actor))


@batch_app.command("send")
def send(
    batch: Code,
    *,
    again: Annotated[
        bool, typer.Option("--again", help="You found out that the last attempt did not arrive: a new one.")
    ] = False,
) -> None:
    """Send an exported batch by its channel's transport; nothing is ever sent twice without --again."""
    from reporting.sending import send_batch

    actor = context.actor()
    with context.out.progress(f"sending {batch}"):
        answer = send_batch(
            context.store,
            channels(),
            batch,
            again=again,
            settings=_send_settings(),
            clock=context.now,
            actor=actor,
        )
    if answer.get("dry_run"):
        context.out.note(f"Dry run: nothing was sent. What would leave is in {answer['file']}")
    context.out.obj(answer)


def _send_settings() -> SendSettings:
    from commands.mailing import mail_server
    from reporting.sending import SendSettings
    from reporting.transports.carriers import Outlets
    from settings import SETTINGS_FILE

    workspace = context.workspace
    outlets = Outlets(
        mail=mail_server(workspace.settings.mail),
        environment=os.environ,
        settings_file=str(workspace.root / SETTINGS_FILE),
    )
    return SendSettings(packages_root=workspace.packages, outbox_root=workspace.root / "outbox", outlets=outlets)


@batch_app.command("list")
def list_batches_command() -> None:
    """List batches, newest first."""
    from reporting.batches import list_batches
    from reporting.deliveries import find_lost

    find_lost(context.store, now=context.now())
    with context.store.read() as conn:
        context.out.lines(list_batches(conn, limit=context.limit), shown=("batch", "state", "items", "package"))


@batch_app.command("show")
def show(batch: Code) -> None:
    """Show one batch with its items."""
    from reporting.batches import show_batch
    from reporting.deliveries import find_lost

    find_lost(context.store, now=context.now())
    with context.store.read() as conn:
        context.out.obj(show_batch(conn, batch))


@replies_app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or XLSX with item,url,result,note.")],
    *,
    channel: Annotated[str, typer.Option(help="Who answered.")],
) -> None:
    """Read a platform's answers; unmatched rows are listed, nothing is guessed."""
    from reporting.channel import get_channel
    from reporting.replies import import_replies

    actor, chosen = context.actor(), get_channel(channels(), channel)
    answer = import_replies(context.store, file.absolute(), chosen, now=context.now(), actor=actor)
    problems = [_reply_problem(file, row) for row in answer["conflicts"]]
    context.out.obj({**answer, "problems": problems} if problems else answer)


def _reply_problem(file: Path, row: Json) -> Json:
    item = {"id": row["item"]} if row.get("item") else {}
    return {"code": "conflict", "file": str(file.absolute()), "line": row["row"], **item, "message": row["why"]}


def verify_package_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The package (zip).")],
    *,
    key: Annotated[Path | None, typer.Option(metavar="PUB", help="Public key (PEM); else the workspace's.")] = None,
) -> None:
    """Check a package offline: every byte, every member, the signature."""
    from reporting.signing import load_keyring, read_public_key
    from reporting.verify import verify_package

    known = load_keyring(context.workspace.keys) if context.data else ()
    keys = (read_public_key(key.absolute()),) if key else known
    context.out.obj(verify_package(file.absolute(), public_keys=keys))


def channels() -> Mapping[str, Channel]:
    """Return the channels in force in this workspace."""
    from reporting.channel import load_channels

    return load_channels([context.workspace.overlays("channels")])
