"""`qingyuan notify`: tells people outside the desk what needs them, where the settings say so."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.context import context
from storage.errors import SettingsError

if TYPE_CHECKING:
    from reporting.needs import Authorisation, Need
    from reporting.notice_texts import NoticeTexts
    from reporting.notices import Outlet
    from reporting.transports.mail import MailServer
    from storage.records import Json


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("notify")(notify)


def notify(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what stands and would be told; send nothing.")
    ] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Send one test notice through everything that is set.")
    ] = False,
) -> None:
    """Tell by mail and webhook what needs a person: stopped sources, failed jobs, batches and items that wait."""
    from reporting.deliveries import find_lost
    from reporting.notice_texts import load_texts

    texts = load_texts(context.workspace.overlays("templates"))
    find_lost(context.store, now=context.now())  # a sender that was killed left its batch to a person
    needs = [_test_need()] if test else _standing()
    context.out.obj(_preview(needs, texts) if dry_run else _tell(needs, texts))


def _tell(needs: list[Need], texts: NoticeTexts) -> Json:
    from reporting.notices import Wording, tell

    chosen = context.workspace.settings
    outlets = _outlets(texts)
    if not outlets:
        context.out.note("notices are off: set mail_to or webhook_url in the section [notify] of qingyuan.toml")
    return tell(
        context.store,
        needs,
        outlets,
        wording=Wording(texts=texts, language=chosen.notify.language, public_url=chosen.desk.public_url),
        again_after=timedelta(hours=chosen.notify.again_hours),
        clock=context.now,
    )


def _preview(needs: list[Need], texts: NoticeTexts) -> Json:
    """Return what stands in words, and through what each would be told now."""
    from reporting.notice_texts import make_message
    from reporting.notices import due_needs

    chosen = context.workspace.settings
    now = context.now()
    before = now - timedelta(hours=chosen.notify.again_hours)
    due = {
        outlet.transport: due_needs(context.store, needs, outlet.transport, before=before)
        for outlet in _outlets(texts)
    }
    notices = []
    for need in needs:
        message = make_message(
            texts,
            need,
            language=chosen.notify.language,
            number=1,
            public_url=chosen.desk.public_url,
            at=now,
        )
        through = [transport for transport, found in due.items() if need in found]
        named = {"cause": need.cause, "kind": need.kind.value, "through": through}
        notices.append({**named, "title": message.title, "text": message.text, "todo": message.todo})
    return {"standing": len(needs), "notices": notices}


def _standing() -> list[Need]:
    from commands.takedown import channels
    from reporting.needs import standing_needs

    days = context.workspace.settings.notify.authorisation_days
    with context.store.read() as conn:
        return standing_needs(
            conn, now=context.now(), channels=channels(), authorisations=_authorisations(), notice_days=days
        )


def _authorisations() -> list[Authorisation]:
    from commands.visits import watched
    from crawler.watch import Access
    from reporting.needs import Authorisation

    return [
        Authorisation(source=one.name, valid_until=one.basis.valid_until)
        for one in watched()
        if one.access is Access.OPERATOR and one.basis and one.basis.valid_until
    ]


def _test_need() -> Need:
    from reporting.needs import Need, NeedKind

    return Need(kind=NeedKind.TEST, cause=f"test:{context.now().isoformat()}")


def _outlets(texts: NoticeTexts) -> list[Outlet]:
    """Return the ways that the settings switch on, none by default."""
    from reporting.notice_bots import BotKind
    from reporting.notice_outlets import Webhook, mail_outlet, webhook_outlet
    from reporting.transports.webhook import PostTarget
    from settings import webhook_choice

    chosen = context.workspace.settings.notify
    outlets = []
    if chosen.mail_to:
        outlets.append(mail_outlet(_server(), chosen.mail_to, texts))
    url, secret = webhook_choice(context.workspace)
    if url:
        authority = Path(chosen.webhook_ca_file) if chosen.webhook_ca_file else None
        target = PostTarget(url=url, secret=None, private=chosen.webhook_private, ca_file=authority)
        hook = Webhook(kind=BotKind(chosen.webhook_kind), target=target, secret=secret)
        outlets.append(webhook_outlet(hook, texts, clock=context.now))
    return outlets


def _server() -> MailServer:
    from commands.mailing import mail_server
    from settings import SETTINGS_FILE

    server = mail_server(context.workspace.settings.mail)
    if server is None:
        message = "notices go by mail, but the section [mail] names no host or no sender"
        raise SettingsError(
            "bad_field", message, file=str(context.workspace.root / SETTINGS_FILE), field="notify.mail_to"
        )
    return server
