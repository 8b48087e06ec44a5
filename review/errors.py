"""What a person sees when something cannot be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from review.auth import ForgedError, NotSignedInError, visit_of
from review.routes.sign_in import sign_in_page
from storage.errors import (
    ClaimedError,
    ConflictError,
    ForbiddenError,
    FourEyesError,
    InputError,
    NotFoundError,
    QingyuanError,
    TransitionError,
)

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from fastapi.responses import Response

_STATUS: tuple[tuple[type[QingyuanError], int, str], ...] = (
    (NotFoundError, 404, "not_found"),
    (ForbiddenError, 403, "forbidden"),
    (ClaimedError, 409, "claimed"),
    (ConflictError, 409, "conflict"),
    (FourEyesError, 409, "four_eyes"),
    (TransitionError, 409, "bad_state"),
    (InputError, 400, "bad_input"),
    (QingyuanError, 500, "failed"),
)


def install(app: FastAPI) -> None:
    """Answer every error of the product with its page."""
    app.add_exception_handler(NotSignedInError, _sign_in)
    app.add_exception_handler(ForgedError, _forged)
    app.add_exception_handler(QingyuanError, _refused)
    app.add_exception_handler(HTTPException, _http)


def status_of(error: QingyuanError) -> tuple[int, str]:
    """Return the HTTP status and the key of the words for an error."""
    return next((status, key) for kind, status, key in _STATUS if isinstance(error, kind))


def _sign_in(request: Request, _error: Exception) -> Response:
    if _wants_json(request):
        return JSONResponse({"error": "signed_out"}, status_code=401)
    visit = visit_of(request)
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return sign_in_page(visit, status=401, then=path if request.method == "GET" else "/")


def _forged(request: Request, _error: Exception) -> Response:
    return _page(request, 403, "forged", "")


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, QingyuanError):
        raise error
    status, key = status_of(error)
    detail = error.detail if isinstance(error, InputError) else ""
    return _page(request, status, key, detail)


def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    known = {404: "not_found", 405: "not_found"}
    return _page(request, status, known.get(status, "bad_input"), "")


def _page(request: Request, status: int, key: str, detail: str) -> Response:
    if _wants_json(request):
        return JSONResponse({"error": key}, status_code=status)
    return visit_of(request).page("error.html", status=status, key=key, detail=detail, code=status)


def _wants_json(request: Request) -> bool:
    return request.headers.get("accept", "").startswith("application/json")
