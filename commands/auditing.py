"""The commands about the audit chain."""

from __future__ import annotations

import typer

from commands.context import context

audit_app = typer.Typer(help="The audit chain: who did what, tamper-evident.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(audit_app, name="audit")


@audit_app.callback()
def _group() -> None:
    """The audit chain: who did what, tamper-evident."""


@audit_app.command("verify")
def verify() -> None:
    """Walk the whole chain; exit 1 when an entry does not hold."""
    from storage.audit import verify as verify_chain

    with context.store.read() as conn:
        answer = verify_chain(conn)
    if not answer["valid"]:
        message = f"entry {answer['first_bad']} of the audit chain does not hold"
        answer["problems"] = [{"code": "tampered", "id": str(answer["first_bad"]), "message": message}]
    context.out.obj(answer)
