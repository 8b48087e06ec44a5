"""The people of the workspace, for admins; no clue content here."""

from collections.abc import Callable

from fastapi.responses import Response

from review.permissions import Permission
from review.routing import Guarded, Routes
from review.visit import Visit
from storage.engine import Unit
from storage.errors import InputError, TransitionError
from storage.records import Role
from storage.users import add_user, disable_user, list_users, set_password

routes = Routes()


@routes.get("/people", Permission.MANAGE_PEOPLE)
def show_people(visit: Guarded) -> Response:
    """List everybody."""
    return _page(visit)


@routes.post("/people", Permission.MANAGE_PEOPLE)
def add_person(visit: Guarded) -> Response:
    """Add a person with a first password."""
    form = visit.form
    try:
        role = Role(form.get("role", ""))
    except ValueError:
        return _page(visit, problem="role", status=400)
    try:
        with visit.desk.hashing, visit.desk.store.write(visit.now) as unit:
            add_user(unit, form.get("name", ""), role=role, password=form.get("password", ""), actor=visit.actor)
    except InputError as error:
        return _page(visit, problem=str(error.field), status=400)
    return visit.go("/people")


@routes.post("/people/{name}/disable", Permission.MANAGE_PEOPLE)
def disable_person(name: str, visit: Guarded) -> Response:
    """Disable a person; every session of theirs is over at once."""
    return _change(visit, lambda unit: disable_user(unit, name, actor=visit.actor))


@routes.post("/people/{name}/password", Permission.MANAGE_PEOPLE)
def reset_password(name: str, visit: Guarded) -> Response:
    """Give a person a new password."""
    password = visit.form.get("password", "")
    return _change(visit, lambda unit: set_password(unit, name, password=password, actor=visit.actor))


def _change(visit: Visit, change: Callable[[Unit], object]) -> Response:
    try:
        with visit.desk.hashing, visit.desk.store.write(visit.now) as unit:
            change(unit)
    except InputError as error:
        return _page(visit, problem=str(error.field), status=400)
    except TransitionError:
        return _page(visit, problem="last_admin", status=409)
    return visit.go("/people")


def _page(visit: Visit, *, problem: str | None = None, status: int = 200) -> Response:
    with visit.desk.store.read() as conn:
        people = list_users(conn)
    return visit.page("people.html", status=status, people=people, roles=list(Role), problem=problem)
