"""What was done: the audit chain for auditors, the crawl runs for those who run them."""

from fastapi.responses import Response

from review.permissions import Permission
from review.routing import Guarded, Routes
from storage.audit import verify
from storage.desk_reads import audit_page, run_page

routes = Routes()

_PAGE_ROWS = 50


@routes.get("/audit", Permission.READ_AUDIT)
def show_audit(visit: Guarded) -> Response:
    """Show a page of audit entries; ``check=1`` walks the whole chain too."""
    values = visit.request.query_params
    with visit.desk.store.read() as conn:
        entries = audit_page(conn, before=_number(values.get("before")), limit=_PAGE_ROWS + 1)
        checked = verify(conn) if values.get("check") == "1" else None
    shown = entries[:_PAGE_ROWS]
    older = shown[-1]["sequence"] if len(entries) > _PAGE_ROWS else None
    return visit.page("audit.html", entries=shown, older=older, checked=checked)


@routes.get("/runs", Permission.READ_RUNS)
def show_runs(visit: Guarded) -> Response:
    """Show a page of crawl runs: counts and states, no content of posts."""
    with visit.desk.store.read() as conn:
        runs = run_page(conn, before=_number(visit.request.query_params.get("before")), limit=_PAGE_ROWS + 1)
    shown = runs[:_PAGE_ROWS]
    older = shown[-1]["id"] if len(runs) > _PAGE_ROWS else None
    return visit.page("runs.html", runs=shown, older=older)


def _number(text: str | None) -> int | None:
    """Return the number of an address's place, None for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None  # noqa: PLR2004 - 64 bits
