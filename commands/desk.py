"""Starting the review desk with what the workspace says."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from review.app import create_app
from review.desk import DeskSettings
from review.serving import serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from commands.context import Context


def serve_desk(context: Context, *, host: str, port: int, ready: Callable[[str], None] | None = None) -> None:
    """Serve the desk until the process is told to stop; says where on stderr, or as JSON on stdout."""
    chosen = context.workspace.settings.desk
    settings = DeskSettings(
        language=chosen.language,
        idle=timedelta(minutes=chosen.idle_minutes),
        longest=timedelta(hours=chosen.absolute_hours),
        secure_cookies=chosen.secure_cookies,
        trusted_proxies=tuple(str(one) for one in chosen.trusted_proxies),
        metrics=chosen.metrics,
        metrics_token=os.environ.get("QINGYUAN_METRICS_TOKEN", ""),
    )
    store = context.store
    app = create_app(store, now=context.now, evidence_root=context.workspace.evidence, settings=settings)

    def announce(url: str) -> None:
        if ready:
            ready(url)
        if context.json:
            context.out.obj({"url": url})
        context.out.note(f"The desk is at {url} (Ctrl-C stops it)")

    serve(app, host, port, ready=announce)
