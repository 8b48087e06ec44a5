"""For those who watch the desk: whether it works, and its numbers. Neither needs a session, neither names us."""

import hmac
import os
from ipaddress import ip_address

from fastapi.responses import PlainTextResponse, Response
from sqlalchemy.exc import SQLAlchemyError

from review.metrics import CONTENT_TYPE, metrics_text
from review.permissions import Permission
from review.routing import Guarded, Routes
from review.visit import Visit
from storage.errors import NotFoundError
from storage.figures import read_figures
from storage.meta import get_meta

routes = Routes()

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


@routes.get("/healthz", Permission.OPEN)
def health(visit: Guarded) -> Response:
    """Say ``ok``, or ``failing`` with status 503 when the database or the folder of evidence cannot be used."""
    works = _database_answers(visit) and os.access(visit.desk.evidence_root, os.R_OK | os.W_OK | os.X_OK)
    return PlainTextResponse("ok\n" if works else "failing\n", status_code=200 if works else 503)


@routes.get("/metrics", Permission.OPEN)
def metrics(visit: Guarded) -> Response:
    """Give the numbers to whom the settings let read them; for all others there is no such page."""
    if not _may_read(visit):
        raise NotFoundError("page", "metrics")
    with visit.desk.store.read() as conn:
        found = read_figures(conn)
    return Response(metrics_text(found, now=visit.now), media_type=CONTENT_TYPE)


def _database_answers(visit: Visit) -> bool:
    try:
        with visit.desk.store.read() as conn:
            get_meta(conn, "health")
    except SQLAlchemyError:
        return False
    return True


def _may_read(visit: Visit) -> bool:
    settings, request = visit.desk.settings, visit.request
    if settings.metrics == "token":
        given = request.headers.get("authorization", "")
        wanted = f"Bearer {settings.metrics_token}"
        return bool(settings.metrics_token) and hmac.compare_digest(given.encode(), wanted.encode())
    if settings.metrics != "loopback" or request.client is None:
        return False
    # What a proxy on this machine hands on comes from elsewhere, also where that proxy is not a trusted one.
    handed_on = any(name in request.headers for name in _FORWARDED)
    return not handed_on and ip_address(request.client.host.partition("%")[0]).is_loopback
