from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import audit
from storage.contacts import add_uses, contacts_of, contacts_of_verdict, open_contacts, seal_contact, unmask
from storage.errors import ForbiddenError, InputError, NotFoundError
from storage.records import Actor, Role
from storage.sealing import load_sealer
from storage.tables import contact, contact_use, post
from tests.support.clues import ANALYST, AUDITOR, add_post, add_verdict

if TYPE_CHECKING:
    from datetime import datetime

    from storage.contacts import SealedContact
    from storage.engine import Store


def sealed(store: Store, value: str, *, kind: str = "wechat", field: str = "text", start: int = 0) -> SealedContact:
    sealer = load_sealer(store.keys_root)
    return seal_contact(sealer, kind=kind, value=value, field=field, span=(start, start + len(value)))


def judged(store: Store, now: datetime, native_id: str, ruleset: str = "r1") -> tuple[int, int]:
    """Return (verdict id, revision id) of a new post's verdict, or of a new verdict on a known one."""
    with store.write(now) as unit:
        known = sa.select(post.c.current_revision_id).where(post.c.native_id == native_id)
        revision_id = unit.conn.execute(known).scalar()
        if revision_id is None:
            add_post(unit, native_id)
            revision_id = unit.conn.execute(known).scalar_one()
        return add_verdict(unit, revision_id, ruleset=ruleset), revision_id


def test_equal_contacts_are_one_row_with_several_uses(store: Store, now: datetime) -> None:
    (first, one), (second, other) = judged(store, now, "1"), judged(store, now, "2")
    with store.write(now) as unit:
        add_uses(unit, [(first, one, sealed(store, "zhaiwu888")), (second, other, sealed(store, "zhaiwu888"))])
        add_uses(unit, [(first, one, sealed(store, "zhaiwu888"))])  # again, as after a kill
        add_uses(unit, [])
    with store.read() as conn:
        (row,) = conn.execute(sa.select(contact)).all()
        assert conn.execute(sa.select(sa.func.count()).select_from(contact_use)).scalar_one() == 2
        assert {use.contact_id for uses in contacts_of(conn, [one, other]).values() for use in uses} == {row.id}
        assert row.masked == "z*******8"


def test_the_same_value_of_another_kind_is_another_contact(store: Store, now: datetime) -> None:
    verdict_id, revision_id = judged(store, now, "1")
    phone = "13812345678"
    with store.write(now) as unit:
        add_uses(unit, [(verdict_id, revision_id, sealed(store, phone, kind=kind)) for kind in ("phone", "wechat")])
    with store.read() as conn:
        assert [use.kind for use in contacts_of_verdict(conn, verdict_id)] == ["phone", "wechat"]


def test_only_the_newest_verdict_on_a_revision_speaks(store: Store, now: datetime) -> None:
    first, revision_id = judged(store, now, "1")
    second, _ = judged(store, now, "1", "r2")
    with store.write(now) as unit:
        add_uses(unit, [(first, revision_id, sealed(store, "old12345"))])
        add_uses(unit, [(second, revision_id, sealed(store, "new12345", start=3))])
    with store.read() as conn:
        (use,) = contacts_of(conn, [revision_id])[revision_id]
    assert (use.verdict_id, use.start, use.end) == (second, 3, 11)


def test_opening_a_contact_needs_a_role_and_a_reason_and_is_audited(store: Store, now: datetime) -> None:
    verdict_id, revision_id = judged(store, now, "1")
    sealer = load_sealer(store.keys_root)
    with store.write(now) as unit:
        add_uses(unit, [(verdict_id, revision_id, sealed(store, "zhaiwu888"))])
        contact_id = contacts_of_verdict(unit.conn, verdict_id)[0].contact_id
    with store.write(now) as unit:
        assert unmask(unit, contact_id, actor=ANALYST, reason=" same seller? ", sealer=sealer) == "zhaiwu888"
    operator = Actor(name="op", role=Role.OPERATOR)
    for actor, reason, number, error in (
        (AUDITOR, "why", contact_id, ForbiddenError),
        (operator, "why", contact_id, ForbiddenError),
        (ANALYST, " ", contact_id, InputError),
        (ANALYST, "why", 999, NotFoundError),
    ):
        with pytest.raises(error), store.write(now) as unit:
            unmask(unit, number, actor=actor, reason=reason, sealer=sealer)
    with store.read() as conn:
        (entry,) = audit.history(conn, "contact", str(contact_id))
    assert (entry["actor"], entry["details"]) == ("ana", {"reason": "same seller?"})
    assert "zhaiwu" not in str(entry)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(min_size=1, max_size=40).filter(lambda text: not any(0xD800 <= ord(c) < 0xE000 for c in text)))
def test_any_value_comes_back_as_it_was_and_never_shows(sqlite_store: Store, now: datetime, value: str) -> None:
    verdict_id, revision_id = judged(sqlite_store, now, "1", ruleset=value)
    with sqlite_store.write(now) as unit:
        add_uses(unit, [(verdict_id, revision_id, sealed(sqlite_store, value))])
    with sqlite_store.read() as conn:
        (use,) = contacts_of_verdict(conn, verdict_id)
        assert open_contacts(conn, [use.contact_id], load_sealer(sqlite_store.keys_root)) == {use.contact_id: value}
    assert len(value) == 1 or use.masked != value or set(value) == {"*"}
