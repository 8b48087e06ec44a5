"""Clusters: what the machine thinks is one operator's, for people to confirm or take apart."""

from fastapi.responses import Response

from review.permissions import Permission
from review.routing import Guarded, Routes
from review.rows import list_rows
from review.visit import Visit
from storage.clues import get_clues
from storage.clusters import cluster_details, confirm_cluster, get_cluster, list_clusters, split_cluster
from storage.errors import ConflictError, InputError
from storage.records import parse_id

routes = Routes()

_PAGE_ROWS = 50
_MEMBERS_SHOWN = 200
_CHOSEN = "out-"


@routes.get("/clusters", Permission.READ_CLUES)
def show_clusters(visit: Guarded) -> Response:
    """Show a page of clusters, newest first."""
    place = visit.request.query_params.get("after")
    with visit.desk.store.read() as conn:
        after = parse_id("cluster", place) if place else None
        found = list_clusters(conn, limit=_PAGE_ROWS + 1, after=after)
        shown = found[:_PAGE_ROWS]
        first = get_clues(conn, [row.members[0] for row in shown if row.members])
        listed = {one.row.id: one for one in list_rows(conn, first)}
    older = shown[-1].key if len(found) > _PAGE_ROWS else None
    return visit.page("clusters.html", clusters=shown, listed=listed, older=older)


@routes.get("/clusters/{key}", Permission.READ_CLUES)
def show_cluster(key: str, visit: Guarded) -> Response:
    """Show one cluster with its clues and what links them."""
    return _page(visit, parse_id("cluster", key))


@routes.post("/clusters/{key}/confirm", Permission.DECIDE)
def confirm(key: str, visit: Guarded) -> Response:
    """Confirm the cluster as it was shown."""
    cluster_id = parse_id("cluster", key)
    try:
        with visit.desk.store.write(visit.now) as unit:
            confirm_cluster(unit, cluster_id, actor=visit.actor, version=_version(visit))
    except ConflictError:
        return _page(visit, cluster_id, problem="changed", status=409)
    return visit.go(f"/clusters/{key}")


@routes.post("/clusters/{key}/split", Permission.DECIDE)
def split(key: str, visit: Guarded) -> Response:
    """Take the chosen clues out as another operator's."""
    cluster_id = parse_id("cluster", key)
    chosen = [parse_id("clue", name.removeprefix(_CHOSEN)) for name in visit.form if name.startswith(_CHOSEN)]
    try:
        with visit.desk.store.write(visit.now) as unit:
            left = split_cluster(unit, cluster_id, chosen, actor=visit.actor, version=_version(visit))
    except ConflictError:
        return _page(visit, cluster_id, problem="changed", status=409)
    except InputError:
        return _page(visit, cluster_id, problem="choice", status=400)
    return visit.go(f"/clusters/{left[0].key}" if left else "/clusters")


def _page(visit: Visit, cluster_id: int, *, problem: str | None = None, status: int = 200) -> Response:
    with visit.desk.store.read() as conn:
        details = cluster_details(conn, cluster_id, now=visit.now)
        members = get_cluster(conn, cluster_id).members
        listed = list_rows(conn, get_clues(conn, members[:_MEMBERS_SHOWN]))
    left_out = max(len(members) - _MEMBERS_SHOWN, 0)
    return visit.page(
        "cluster.html", status=status, cluster=details, listed=listed, left_out=left_out, problem=problem
    )


def _version(visit: Visit) -> int:
    text = visit.form.get("version", "")
    if not (text.isascii() and text.isdigit()):
        raise InputError("bad_field", "the form lacks the version that was shown", field="version")
    return int(text)
