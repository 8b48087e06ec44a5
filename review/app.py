"""The review desk: a server-rendered web application for the people who decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from review import errors
from review.desk import Desk, DeskSettings
from review.grants import Grants
from review.i18n import load_catalogues
from review.pages import load_pages
from review.routes import (
    assets,
    clues,
    clusters,
    deciding,
    operation,
    people,
    queue,
    records,
    sign_in,
    summary,
    unmasking,
)
from review.routing import declared_routes
from review.serving import serve, serving
from review.shield import Shield
from storage.sealing import load_sealer

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store

__all__ = ["DeskSettings", "create_app", "serve", "serving"]

_ROUTES = (sign_in, assets, queue, clues, deciding, unmasking, clusters, summary, people, records, operation)


def create_app(
    store: Store,
    *,
    now: Callable[[], datetime],
    evidence_root: Path | None = None,
    settings: DeskSettings | None = None,
) -> FastAPI:
    """Return the desk over a store; run it with :func:`serve` or :func:`serving`.

    ``now`` is the clock (aware UTC); ``evidence_root`` defaults to the store's. The contact key of the workspace
    must be there.

    Raises:
        FileNotFoundError: the workspace has no contact key.
        KeyError: a route declares no permission (a mistake in the desk, found before anything is served).
    """
    app = FastAPI(title="Qingyuan", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.desk = Desk(
        store=store,
        now=now,
        evidence_root=evidence_root or store.evidence_root,
        settings=settings or DeskSettings(),
        pages=load_pages(),
        catalogues=load_catalogues(),
        sealer=load_sealer(store.keys_root),
        grants=Grants(),
    )
    for module in _ROUTES:
        module.routes.join(app)
    declared_routes(app)
    errors.install(app)
    app.add_middleware(Shield)
    return app
