"""Dossiers: what the house knows of a clue's target at one moment, in plain values that a package freezes.

A dossier holds the target's own fields alone: whom the target answered, and what others wrote below it, stays out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.records import TargetKind, public_id
from storage.screenshots import masked_crop
from storage.tables import (
    account,
    capture,
    clue,
    cluster,
    cluster_member,
    contact,
    contact_use,
    crawl_run,
    post,
    post_revision,
    submission,
    verdict,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row, RowMapping

    from storage.records import Json

PLACES = {TargetKind.POST: "post", TargetKind.COMMENT: "comment", TargetKind.ACCOUNT: "profile"}
"""Target kind to the place that a package names."""

_COMMENT_FIELD = re.compile(r"comments\[(\d+)\]\.(text|author\.bio|author)$")
_COMMENT_NAMES = {"text": "text", "author": "author.name", "author.bio": "author.bio"}


def dossiers(conn: Connection, clue_ids: Collection[int]) -> dict[int, Json]:
    """Return the dossier of each clue: JSON values, times as ISO 8601 in UTC, contacts by id and never in clear."""
    rows = _clues(conn, clue_ids)
    targets = _target_rows(conn, rows)
    found: dict[int, Json] = {}
    for row in rows:
        target = targets.get(row["id"])
        if target is not None:
            found[row["id"]] = _dossier(row, target)
    _add_contacts(conn, rows, found)
    _add_rings(conn, found)
    _add_earlier(conn, rows, found)
    return found


def own_words(dossier: Json) -> tuple[str, tuple[str, ...]]:
    """Return what a target's offender wrote, and of it the name and contacts as they stand there."""
    facts = dossier["post"]
    texts = {"title": facts["title"], "text": facts["text"]}
    texts |= {"author.name": facts["author_name"], "author.bio": facts["author_bio"]}
    contacts = [texts[use["field"]][use["start"] : use["end"]] for use in dossier["contacts"]]
    said = [*texts.values(), *(one["text"] for one in facts["own_comments"])]
    return "\n".join(text for text in said if text), (*dict.fromkeys([facts["author_name"], *contacts]),)


def sealed_contacts(conn: Connection, contact_ids: Collection[int]) -> dict[int, bytes]:
    """Return the sealed values of contacts by id."""
    query = sa.select(contact.c.id, contact.c.sealed).where(contact.c.id.in_(contact_ids))
    return {row.id: row.sealed for row in conn.execute(query)}


def last_reads(conn: Connection, clue_ids: Collection[int]) -> dict[int, datetime]:
    """Return when a crawl last read the page of each target; imports read no page, profiles have none."""
    query = (
        sa.select(clue.c.id, post.c.last_seen)
        .join_from(clue, post, (post.c.platform == clue.c.platform) & (post.c.native_id == clue.c.target_native_id))
        .join(post_revision, post_revision.c.id == post.c.current_revision_id)
        .join(crawl_run, crawl_run.c.id == post_revision.c.run_id)
        .where(clue.c.id.in_(clue_ids), clue.c.target_kind != TargetKind.ACCOUNT.value)
        .where(crawl_run.c.access != "import", post_revision.c.is_full.is_(True))
    )
    return {row.id: row.last_seen for row in conn.execute(query)}


def _clues(conn: Connection, clue_ids: Collection[int]) -> list[RowMapping]:
    query = (
        sa.select(
            clue,
            verdict.c.findings,
            verdict.c.target,
            verdict.c.revision_id,
            capture.c.headers.label("shot"),
        )
        .join_from(clue, verdict, verdict.c.id == clue.c.verdict_id)
        .outerjoin(capture, capture.c.id == clue.c.screenshot_capture_id)
        .where(clue.c.id.in_(clue_ids))
        .order_by(clue.c.id)
    )
    return list(conn.execute(query).mappings())


def _target_rows(conn: Connection, rows: Sequence[RowMapping]) -> dict[int, RowMapping]:
    """Return the text each clue points to: a comment's own row, else the revision that was judged."""
    judged = {row["revision_id"] for row in rows}
    by_revision = {
        row["revision_id"]: row for row in conn.execute(_texts().where(post_revision.c.id.in_(judged))).mappings()
    }
    comments = {
        (row["platform"], row["target_native_id"]) for row in rows if row["target_kind"] == TargetKind.COMMENT
    }
    pair = sa.tuple_(post.c.platform, post.c.native_id)
    current = _texts().where(pair.in_(sorted(comments)), post_revision.c.id == post.c.current_revision_id)
    by_key = {(row["platform"], row["native_id"]): row for row in conn.execute(current).mappings()}
    found = {}
    for row in rows:
        own = by_key.get((row["platform"], row["target_native_id"]))
        target = own if row["target_kind"] == TargetKind.COMMENT and own else by_revision.get(row["revision_id"])
        if target is not None:
            found[row["id"]] = target
    return found


def _texts() -> sa.Select[tuple[Any, ...]]:
    own = account.alias("own")
    return (
        sa.select(
            post.c.platform,
            post.c.native_id,
            post.c.kind,
            post.c.url,
            post.c.published_at,
            post.c.ip_region,
            post.c.first_seen,
            post.c.last_seen,
            post_revision.c.id.label("revision_id"),
            post_revision.c.title,
            post_revision.c.text,
            post_revision.c.author_name,
            post_revision.c.author_bio,
            post_revision.c.own_comments,
            post_revision.c.seen_at,
            own.c.id.label("account_id"),
            own.c.native_id.label("account_native_id"),
            own.c.handle,
            own.c.url.label("account_url"),
            own.c.strikes,
            capture.c.url.label("capture_url"),
            capture.c.at.label("capture_at"),
            capture.c.method.label("capture_method"),
            capture.c.software.label("capture_software"),
            capture.c.sha256.label("capture_sha256"),
            capture.c.why_none,
        )
        .join_from(post, post_revision, post_revision.c.post_id == post.c.id)
        .outerjoin(own, own.c.id == post.c.account_id)
        .outerjoin(capture, capture.c.id == post_revision.c.capture_id)
    )


def _dossier(row: RowMapping, target: RowMapping) -> Json:
    kind = TargetKind(row["target_kind"])
    crop, why_none = masked_crop(row["shot"])
    return {
        "clue": public_id("clue", row["id"]),
        "platform": row["platform"],
        "native_id": row["target_native_id"],
        "target_kind": kind.value,
        "place": PLACES[kind],
        "url": row["url"] or target["url"],
        "category": row["category"] or next(iter(row["categories"]), None),
        "categories": list(row["categories"]),
        "post": {
            "platform": target["platform"],
            "native_id": target["native_id"],
            "kind": target["kind"],
            "url": target["url"],
            "title": target["title"],
            "text": target["text"],
            "author_name": target["author_name"],
            "author_bio": target["author_bio"],
            "own_comments": target["own_comments"],
            "published_at": _iso(target["published_at"]),
            "ip_region": target["ip_region"],
        },
        "account": {
            "native_id": target["account_native_id"],
            "handle": target["handle"],
            "name": target["author_name"],
            "url": target["account_url"],
            "strikes": target["strikes"] or 0,
        },
        "spans": _spans(row, target),
        "contacts": [],
        "capture": _capture(target),
        "captured_at": _iso(target["capture_at"] or target["seen_at"]),
        "screenshot": crop,  # the page's own picture shows others and never leaves
        "no_screenshot": why_none,
        "ring": None,
        "earlier": [],
    }


def _capture(target: RowMapping) -> Json:
    if target["capture_at"] is None:
        return {"sha256": None, "why_none": "the text was handed over without a page"}
    return {
        "url": target["capture_url"],
        "at": _iso(target["capture_at"]),
        "method": target["capture_method"],
        "software": target["capture_software"],
        "sha256": target["capture_sha256"],
        "why_none": target["why_none"],
    }


def _spans(row: RowMapping, target: RowMapping) -> list[Json]:
    """Return what spoke for the verdict as ``{field, start, end}`` of the target's own fields."""
    found = []
    for finding in row["findings"]:
        field = _own_field(row, finding["field"])
        if field is not None and finding.get("weight", 0) > 0 and _holds(target, field, finding):
            found.append({"field": field, "start": finding["start"], "end": finding["end"]})
    return found


def _holds(target: RowMapping, field: str, finding: Json) -> bool:
    """Tell whether a finding's span still shows its text: a comment may have been edited since."""
    text = target[{"author.name": "author_name", "author.bio": "author_bio"}.get(field, field)]
    return bool(text[finding["start"] : finding["end"]] == finding["text"])


def _own_field(row: RowMapping, field: str) -> str | None:
    """Return a verdict's field as a field of the target itself; None when it belongs to somebody else."""
    place = row["target"] or {}
    if row["target_kind"] == TargetKind.COMMENT and place.get("comment") is not None:
        inside = _COMMENT_FIELD.match(field)
        same = inside is not None and int(inside[1]) == place["comment"]
        return _COMMENT_NAMES[inside[2]] if inside is not None and same else None
    return field if field in {"title", "text", "author.name", "author.bio"} else None


def _add_contacts(conn: Connection, rows: Sequence[RowMapping], found: dict[int, Json]) -> None:
    by_verdict = {row["verdict_id"]: row for row in rows if row["id"] in found}
    query = (
        sa.select(contact_use, contact.c.kind, contact.c.masked)
        .join_from(contact_use, contact, contact.c.id == contact_use.c.contact_id)
        .where(contact_use.c.verdict_id.in_(by_verdict))
        .order_by(contact_use.c.verdict_id, contact_use.c.field, contact_use.c.start, contact_use.c.id)
    )
    for use in conn.execute(query).mappings():
        row = by_verdict[use["verdict_id"]]
        field = _own_field(row, use["field"])
        if field is not None:
            found[row["id"]]["contacts"].append(
                {
                    "contact": use["contact_id"],
                    "kind": use["kind"],
                    "masked": use["masked"],
                    "field": field,
                    "start": use["start"],
                    "end": use["end"],
                }
            )


def _add_rings(conn: Connection, found: dict[int, Json]) -> None:
    """Name the confirmed cluster of each clue; a suggested one is nobody's knowledge yet."""
    query = (
        sa.select(cluster_member.c.clue_id, cluster.c.id, cluster.c.basis)
        .join_from(cluster_member, cluster, cluster.c.id == cluster_member.c.cluster_id)
        .where(cluster_member.c.clue_id.in_(found), cluster.c.confirmed.is_(True))
    )
    for row in conn.execute(query):
        found[row.clue_id]["ring"] = {"cluster": public_id("cluster", row.id), "basis": list(row.basis)}


def _add_earlier(conn: Connection, rows: Sequence[RowMapping], found: dict[int, Json]) -> None:
    """List the items that were sent for the same target or the same account, oldest first."""
    accounts = {row["account_id"] for row in rows if row["account_id"] is not None}
    query = (
        sa.select(submission.c.id, submission.c.platform, submission.c.target_native_id, submission.c.channel)
        .add_columns(submission.c.sent_at, clue.c.account_id)
        .join_from(submission, clue, clue.c.id == submission.c.clue_id)
        .where(submission.c.sent_at.is_not(None))
        .where(sa.or_(clue.c.account_id.in_(accounts), clue.c.id.in_(found)))
        .order_by(submission.c.id)
    )
    sent = list(conn.execute(query))
    for row in rows:
        if row["id"] not in found:
            continue
        found[row["id"]]["earlier"] = [
            {
                "item": public_id("item", one.id),
                "channel": one.channel,
                "sent_at": _iso(one.sent_at),
                "same_target": _same_target(one, row),
            }
            for one in sent
            if one.account_id == row["account_id"] is not None or _same_target(one, row)
        ]


def _same_target(one: Row[Any], row: RowMapping) -> bool:
    return bool(one.platform == row["platform"] and one.target_native_id == row["target_native_id"])


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
