"""People, passwords, sessions and the limits on guessing, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from storage import sessions, sign_ins, users
from storage.audit import history
from storage.errors import ForbiddenError, InputError, NotFoundError, TransitionError
from storage.records import Actor, Role
from storage.sign_ins import LIMIT, Attempt

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store

INIT = Actor(name="init", via="cli")
ADMIN = Actor(name="admin", role=Role.ADMIN, via="cli")
PASSWORD = "一把好钥匙 42"
REAL_COST = (users._PASSES, users._LANES, users._MEMORY_KIB)


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let hashing cost little here; one test below looks at what it costs in earnest."""
    monkeypatch.setattr(users, "_MEMORY_KIB", 64)


@pytest.fixture
def staffed(store: Store, now: datetime) -> Store:
    with store.write(now) as unit:
        users.add_user(unit, "admin", role=Role.ADMIN, password=PASSWORD, actor=INIT)
        users.add_user(unit, "王敏", role=Role.ANALYST, password=PASSWORD, actor=ADMIN)
    return store


def _try(store: Store, now: datetime, name: str = "王敏", address: str = "10.0.0.1") -> int | None:
    with store.write(now) as unit:
        return sign_ins.reserve(unit, Attempt(name=name, address=address))


def _looked_at(store: Store, now: datetime, attempts: list[Attempt]) -> int:
    with store.write(now) as unit:
        return sum(sign_ins.reserve(unit, attempt) is not None for attempt in attempts)


def test_only_the_right_password_of_an_active_person_is_accepted(staffed: Store, now: datetime) -> None:
    with staffed.read() as conn:
        found = users.verify_password(conn, "王敏", PASSWORD)
        assert found is not None
        assert (found.name, found.role, found.disabled) == ("王敏", Role.ANALYST, False)
        for name, password in (("王敏", "wrong"), ("nobody", PASSWORD), ("王敏", ""), ("\ud800", "\ud800")):
            assert users.verify_password(conn, name, password) is None
    with staffed.write(now) as unit:
        users.disable_user(unit, "王敏", actor=ADMIN)
    with staffed.read() as conn:
        assert users.verify_password(conn, "王敏", PASSWORD) is None


def test_passwords_are_kept_as_argon2id_hashes_only(staffed: Store) -> None:
    with staffed.read() as conn:
        kept = conn.execute(sa.text("SELECT password_hash FROM user_account")).scalars().all()
    assert all(value.startswith("$argon2id$v=19$m=64,t=3,p=4$") for value in kept)
    assert len(set(kept)) == 2, "equal passwords have different hashes"


def test_a_guess_costs_an_attacker_what_rfc_9106_advises() -> None:
    assert REAL_COST == (3, 4, 64 * 1024)


def test_the_first_admin_needs_no_admin_and_is_the_only_one_who_does_not(store: Store, now: datetime) -> None:
    for name, role in (("admin", Role.SENIOR), ("boss", Role.ADMIN)):
        with pytest.raises(ForbiddenError), store.write(now) as unit:
            users.add_user(unit, name, role=role, password=PASSWORD, actor=INIT)
    with store.write(now) as unit:
        users.add_user(unit, "admin", role=Role.ADMIN, password=PASSWORD, actor=INIT)
    with pytest.raises(ForbiddenError), store.write(now) as unit:
        users.add_user(unit, "admin2", role=Role.ADMIN, password=PASSWORD, actor=INIT)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_nobody_but_an_admin_manages_people(staffed: Store, now: datetime, role: Role) -> None:
    actor = Actor(name="x", role=role)
    with pytest.raises(ForbiddenError), staffed.write(now) as unit:
        users.add_user(unit, "new", role=role, password=PASSWORD, actor=actor)
    with pytest.raises(ForbiddenError), staffed.write(now) as unit:
        users.disable_user(unit, "王敏", actor=actor)
    with pytest.raises(ForbiddenError), staffed.write(now) as unit:
        users.set_password(unit, "王敏", password=PASSWORD, actor=actor)


@pytest.mark.parametrize(
    "name", ["", " a", "a b", "-x", "a\u202eb", "<b>", "\uff41dmin", "x" * 41, "ADMIN", "system", "\u0430dmin"]
)
def test_names_that_could_be_mistaken_are_refused(staffed: Store, now: datetime, name: str) -> None:
    with pytest.raises(InputError) as refused, staffed.write(now) as unit:
        users.add_user(unit, name, role=Role.ANALYST, password=PASSWORD, actor=ADMIN)
    assert (refused.value.code, refused.value.field) == ("bad_field", "name")


@pytest.mark.parametrize("password", ["", "short", "aaaaaaaaaaaa", "longname.longname", "x1y2" * 65])
def test_weak_and_endless_passwords_are_refused(staffed: Store, now: datetime, password: str) -> None:
    with pytest.raises(InputError) as refused, staffed.write(now) as unit:
        users.add_user(unit, "LongName.longname", role=Role.ANALYST, password=password, actor=ADMIN)
    assert refused.value.field == "password"


def test_the_last_admin_stays(staffed: Store, now: datetime) -> None:
    with pytest.raises(TransitionError), staffed.write(now) as unit:
        users.disable_user(unit, "admin", actor=ADMIN)
    with staffed.write(now) as unit:
        users.add_user(unit, "second", role=Role.ADMIN, password=PASSWORD, actor=ADMIN)
        assert users.disable_user(unit, "admin", actor=ADMIN).disabled


def test_an_unknown_or_disabled_person_cannot_act(staffed: Store, now: datetime) -> None:
    with staffed.write(now) as unit:
        assert users.actor_for(unit.conn, "王敏", via="cli") == Actor(name="王敏", role=Role.ANALYST, via="cli")
        users.disable_user(unit, "王敏", actor=ADMIN)
        with pytest.raises(ForbiddenError):
            users.actor_for(unit.conn, "王敏", via="cli")
        with pytest.raises(NotFoundError) as missing:
            users.actor_for(unit.conn, "nobody", via="cli")
    assert (missing.value.code, missing.value.exit_code) == ("unknown_user", 2)


def test_every_change_to_a_person_is_audited(staffed: Store, now: datetime) -> None:
    with staffed.write(now) as unit:
        users.set_password(unit, "王敏", password=PASSWORD + "!", actor=ADMIN)
        users.disable_user(unit, "王敏", actor=ADMIN)
        users.disable_user(unit, "王敏", actor=ADMIN)
    with staffed.read() as conn:
        entries = history(conn, "user", "王敏")
        assert [row.name for row in users.list_users(conn)] == ["王敏", "admin"]
    assert [entry["action"] for entry in entries] == ["user_added", "password_set", "user_disabled"]
    assert PASSWORD not in str(entries)


def test_a_session_ends_by_idling_age_sign_out_disabling_and_a_new_password(staffed: Store, now: datetime) -> None:
    def opened() -> str:
        with staffed.write(now) as unit:
            return sessions.open_session(unit, users.get_user(unit.conn, "王敏").id).token

    def holds(token: str, after: timedelta = timedelta()) -> bool:
        with staffed.read() as conn:
            return sessions.find_session(conn, token, now=now + after) is not None

    token = opened()
    assert holds(token, sessions.IDLE - timedelta(seconds=1))
    assert not holds(token, sessions.IDLE)
    assert not holds("")
    assert not holds("\ud800")
    for ending in (
        sessions.end_session,
        lambda unit, _: users.set_password(unit, "王敏", password=PASSWORD, actor=ADMIN),
        lambda unit, _: users.disable_user(unit, "王敏", actor=ADMIN),
    ):
        token = opened()
        with staffed.write(now) as unit:
            ending(unit, token)
        assert not holds(token)


def test_activity_keeps_a_session_but_not_for_ever(staffed: Store, now: datetime) -> None:
    with staffed.write(now) as unit:
        token = sessions.open_session(unit, users.get_user(unit.conn, "王敏").id).token
    moment = now
    while moment < now + sessions.LONGEST:
        with staffed.write(moment) as unit:
            found = sessions.find_session(unit.conn, token, now=moment)
            assert found is not None
            assert found.actor() == Actor(name="王敏", role=Role.ANALYST, via="desk")
            sessions.touch_session(unit, found.id)
        moment += sessions.IDLE / 2
    with staffed.read() as conn:
        assert sessions.find_session(conn, token, now=moment) is None


def test_a_new_session_replaces_the_browsers_old_one_and_no_token_is_stored(staffed: Store, now: datetime) -> None:
    with staffed.write(now) as unit:
        user_id = users.get_user(unit.conn, "王敏").id
        old = sessions.open_session(unit, user_id)
        new = sessions.open_session(unit, user_id, replaces=old.token)
        assert sessions.find_session(unit.conn, old.token, now=now) is None
        assert sessions.find_session(unit.conn, new.token, now=now) is not None
        rows = unit.conn.execute(sa.text("SELECT * FROM web_session")).all()
    assert len({old.token, new.token, old.csrf, new.csrf}) == 4
    assert new.token not in str(rows)


def test_of_a_thousand_tries_at_one_account_ten_are_looked_at(staffed: Store, now: datetime) -> None:
    places = [f"10.0.{n // 250}.{n % 250}" for n in range(1000)]
    assert _looked_at(staffed, now, [Attempt(name="王敏", address=place) for place in places]) == LIMIT
    assert _try(staffed, now + sign_ins.WINDOW, address="10.9.9.9") is not None, "the owner is locked out no longer"


def test_of_a_thousand_tries_from_one_address_ten_are_looked_at(staffed: Store, now: datetime) -> None:
    guesses = [Attempt(name=f"guess{n}", address="10.0.0.1") for n in range(1000)]
    assert _looked_at(staffed, now, guesses) == LIMIT
    assert _try(staffed, now, address="10.0.0.2") is not None, "other places are not hindered"


def test_tries_at_the_same_moment_are_counted_too(staffed: Store, now: datetime) -> None:
    with ThreadPoolExecutor(8) as pool:
        looked_at = list(pool.map(lambda _: _try(staffed, now), range(40)))
    assert sum(attempt is not None for attempt in looked_at) == LIMIT


def test_strangers_cannot_lock_an_owner_out_of_a_known_place(staffed: Store, now: datetime) -> None:
    attempt = _try(staffed, now - timedelta(days=3), address="10.1.1.1")
    assert attempt is not None
    with staffed.write(now) as unit:
        sign_ins.succeed(unit, attempt)
    for n in range(50):
        _try(staffed, now, address=f"10.0.0.{n}")
    assert _try(staffed, now, address="10.0.0.99") is None
    assert _try(staffed, now, address="10.1.1.1") is not None


def test_sign_ins_that_succeed_do_not_count(staffed: Store, now: datetime) -> None:
    for _ in range(LIMIT * 3):
        attempt = _try(staffed, now)
        assert attempt is not None
        with staffed.write(now) as unit:
            sign_ins.succeed(unit, attempt)


def test_letter_case_and_spaces_do_not_give_more_tries(staffed: Store, now: datetime) -> None:
    names = ["admin", "ADMIN", " admin ", "Admin"]
    looked_at = [_try(staffed, now, name=names[n % 4], address=f"10.0.0.{n}") for n in range(40)]
    assert sum(attempt is not None for attempt in looked_at) == LIMIT
