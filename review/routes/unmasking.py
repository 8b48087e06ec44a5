"""Seeing what is masked: with a reason, written down, for a while."""

from fastapi.responses import Response

from review.filters import parse_filter
from review.permissions import Permission
from review.routes.clues import clue_response
from review.routing import Guarded, Routes
from storage.clues import get_clue
from storage.contacts import contacts_of_verdict, unmask
from storage.records import AuditFacts, parse_id

routes = Routes()

_LONGEST_REASON = 500


@routes.post("/clues/{key}/unmask", Permission.UNMASK)
def unmask_clue(key: str, visit: Guarded) -> Response:
    """Open the contacts, texts and picture of one clue for this session; every contact and the clue are audited."""
    clue_id, chosen = parse_id("clue", key), parse_filter(visit.form.get("view", ""))
    reason = visit.form.get("reason", "").strip()[:_LONGEST_REASON]
    if not reason:
        return clue_response(visit, clue_id, chosen, problem="unmask_reason", status=400)
    desk = visit.desk
    until = visit.now + desk.settings.unmasked_for
    with desk.store.write(visit.now) as unit:
        row = get_clue(unit.conn, clue_id)
        uses = contacts_of_verdict(unit.conn, row.verdict_id)
        for contact_id in sorted({use.contact_id for use in uses}):
            unmask(unit, contact_id, actor=visit.actor, reason=reason, sealer=desk.sealer)
        unit.audit(
            AuditFacts(
                actor=visit.actor,
                action="clue.unmask",
                object_type="clue",
                object_id=row.key,
                details={"reason": reason, "until": until.isoformat()},
            )
        )
    desk.grants.give(visit.signed_in.id, clue_id, until=until, now=visit.now)
    return visit.go(chosen.address(f"/clues/{key}"))
