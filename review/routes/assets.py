"""The desk's own style sheet, script and sign: a closed list, read once."""

from functools import cache
from pathlib import Path

from fastapi.responses import Response

from review.permissions import Permission
from review.routing import Guarded, Routes
from storage.errors import NotFoundError

routes = Routes()

_FOLDER = Path(__file__).parent.parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@routes.get("/static/{name}", Permission.OPEN)
def asset(name: str, visit: Guarded) -> Response:  # noqa: ARG001 - the guard is asked for every route
    """Serve one of our own files."""
    found = assets().get(name)
    if found is None:
        raise NotFoundError("file", name)
    return Response(found, media_type=_TYPES[Path(name).suffix])


@cache
def assets() -> dict[str, bytes]:
    """Return our own files by name."""
    return {path.name: path.read_bytes() for path in _FOLDER.iterdir() if path.suffix in _TYPES}
