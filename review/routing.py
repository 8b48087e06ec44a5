"""How routes are declared: with the permission they need, or not at all."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from review.auth import guard
from review.permissions import Permission, declare, needs_of
from review.visit import Visit

Guarded = Annotated[Visit, Depends(guard)]
"""The visit that the guard let in; the parameter of every route."""

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Routes:
    """The routes of one subject, until :meth:`join` puts them into a desk."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str, Callable[..., Any]]] = []

    def get(self, path: str, needs: Permission) -> Callable[[Endpoint], Endpoint]:
        """Declare a page; it changes nothing."""
        return self._add("GET", path, needs)

    def post(self, path: str, needs: Permission) -> Callable[[Endpoint], Endpoint]:
        """Declare a form's target."""
        return self._add("POST", path, needs)

    def join(self, app: FastAPI) -> None:
        """Add the routes to a desk, every one behind the guard whether it asks for it or not."""
        for method, path, endpoint in self._found:
            guarded = [Depends(guard)]
            app.add_api_route(
                path,
                endpoint,
                methods=[method],
                dependencies=guarded,
                response_class=HTMLResponse,
                response_model=None,
            )

    def _add(self, method: str, path: str, needs: Permission) -> Callable[[Endpoint], Endpoint]:
        def add(endpoint: Endpoint) -> Endpoint:
            declare(endpoint, needs)
            self._found.append((method, path, endpoint))
            return endpoint

        return add


def declared_routes(app: FastAPI) -> list[tuple[str, str, Permission]]:
    """Return (method, path, permission) of every route; KeyError when one declares none."""
    found = []
    for route in app.routes:
        if not isinstance(route, APIRoute):
            raise TypeError(f"{route} is no route of the desk")
        found += [(method, route.path, needs_of(route.endpoint)) for method in sorted(route.methods or ())]
    return found
