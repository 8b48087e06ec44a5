"""The stages over the database: screening stored posts and clustering clues; the one impure module here.

Each stage reads rows that lack its result, computes outside any transaction and writes in short ones, so that it
can be killed at any instant and run again, and two workers at once only waste time.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from classifiers.engine import screen_post
from classifiers.records import Band as MachineBand
from classifiers.records import CommentText, PostText, verdict_line
from classifiers.records import TargetKind as Speaker
from storage.clue_updates import ClueTarget, Hit, apply_hits, settle_clues
from storage.contacts import add_uses, seal_contact
from storage.engine import CHUNK_ROWS
from storage.live_hits import stale_clues
from storage.records import Band, TargetKind
from storage.sealing import load_sealer
from storage.verdicts import VerdictFacts, add_verdicts, count_pending, pending_posts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from classifiers.engine import Ruleset
    from classifiers.records import Verdict
    from storage.engine import Store, Unit
    from storage.records import Json
    from storage.sealing import Sealer
    from storage.verdicts import PendingPost

    Progress = Callable[[int, int | None], None]

PLATFORMS_WITHOUT_ACCOUNTS = ("web", "feed")
"""Their accounts are host and displayed name: a verdict on one is kept but makes no clue (contracts §5)."""


def screen_posts(
    store: Store,
    ruleset: Ruleset,
    *,
    now: datetime,
    sealer: Sealer | None = None,
    progress: Progress | None = None,
    chunk: int = CHUNK_ROWS,
) -> Json:
    """Judge every current revision that lacks a verdict of the ruleset, and make or update clues.

    Posts and comments are judged alike: a comment with the text it answers, a post with the comments below it.
    ``progress`` is called with (done, total); ``sealer`` defaults to the workspace's.

    Returns:
        ``{screened, flagged, unsure, clear, clues: {new, updated}, ruleset}`` of the contracts.
    """
    sealer = sealer or load_sealer(store.keys_root)
    counted: Counter[str] = Counter()
    after, total = 0, None
    if progress is not None:
        with store.read() as conn:
            total = count_pending(conn, ruleset.version)
    while True:
        with store.read() as conn:
            posts = pending_posts(conn, ruleset.version, after=after, limit=chunk)
        if not posts:
            break
        judged = [_judge(post, ruleset, sealer) for post in posts]
        with store.write(now) as unit:
            counted.update(_store_verdicts(unit, ruleset.version, judged))
        after = posts[-1].post_id
        if progress is not None:
            progress(counted["screened"], total)
    counted["updated"] += _settle_stale(store, ruleset.version, now=now, chunk=chunk)
    return {
        **{name: counted[name] for name in ("screened", *(band.value for band in Band))},
        "clues": {name: counted[name] for name in ("new", "updated")},
        "ruleset": ruleset.version,
    }


def _settle_stale(store: Store, ruleset: str, *, now: datetime, chunk: int) -> int:
    """Bring the clues up to date whose verdict is no longer live; return how many changed."""
    updated = after = 0
    while True:
        with store.read() as conn:
            stale = stale_clues(conn, ruleset, after=after, limit=chunk)
        if not stale:
            return updated
        with store.write(now) as unit:
            updated += settle_clues(unit, ruleset, stale)
        after = stale[-1]


def _store_verdicts(
    unit: Unit, ruleset: str, judged: Sequence[tuple[PendingPost, VerdictFacts, ClueTarget | None]]
) -> Counter[str]:
    """Write the verdicts of one chunk with their contacts and clues; count what was new."""
    numbers = add_verdicts(unit, ruleset, [facts for _, facts, _ in judged])
    new = [(post, facts, target) for post, facts, target in judged if facts.revision_id in numbers]
    add_uses(
        unit,
        [
            (numbers[facts.revision_id], facts.revision_id, contact)
            for _, facts, _ in new
            for contact in facts.contacts
        ],
    )
    hits = [
        Hit(
            target=target,
            verdict_id=numbers[facts.revision_id],
            post_id=post.post_id,
            own=target.native_id == post.native_id,
            score=facts.score,
            band=Band(facts.band),
            categories=facts.categories,
        )
        for post, facts, target in new
        if target is not None
    ]
    made, updated = apply_hits(unit, ruleset, hits)
    counted = Counter(facts.band for _, facts, _ in new)
    return counted + Counter(screened=len(new), new=made, updated=updated)


def _judge(
    post: PendingPost, ruleset: Ruleset, sealer: Sealer
) -> tuple[PendingPost, VerdictFacts, ClueTarget | None]:
    verdict = screen_post(_post_text(post), ruleset)
    line = verdict_line("", verdict)
    target = _clue_target(post, verdict)
    contacts = () if verdict.band is MachineBand.CLEAR else verdict.contacts  # of nobody's business (design §4.5)
    facts = VerdictFacts(
        revision_id=post.revision_id,
        band=verdict.band.value,
        label=verdict.label.value,
        score=verdict.score,
        bias=verdict.bias,
        categories=[category.value for category in verdict.categories],
        target=_target_line(post, verdict),
        findings=line["findings"],  # type: ignore[arg-type]  # the line's values have no narrower type
        comments=[comment.revision_id for comment in post.comments],
        contacts=tuple(
            seal_contact(
                sealer,
                kind=found.kind.value,
                value=found.value,
                field=found.field,
                span=(found.start, found.end),
            )
            for found in contacts
        ),
    )
    return post, facts, target


def _post_text(post: PendingPost) -> PostText:
    return PostText(
        id=f"{post.platform}:{post.native_id}",
        platform=post.platform,
        kind=post.kind,
        title=post.title,
        text=post.text,
        author_name=post.author_name,
        author_bio=post.author_bio,
        verified=post.verified,
        verified_as=post.verified_as,
        parent=post.parent,
        comments=tuple(
            CommentText(text=comment.text, author_name=comment.author_name, author_bio=comment.author_bio)
            for comment in post.comments
        ),
    )


def _target_line(post: PendingPost, verdict: Verdict) -> Json | None:
    """Return the target as stored: the line's, and the native id of where it points."""
    if verdict.target is None:
        return None
    kind, index = verdict.target.kind, verdict.target.comment
    if kind is Speaker.COMMENT and index is not None:
        return {"kind": kind.value, "comment": index, "native_id": post.comments[index].native_id}
    native_id = post.account_native_id if kind is Speaker.ACCOUNT else post.native_id
    return {"kind": kind.value, "native_id": native_id}


def _clue_target(post: PendingPost, verdict: Verdict) -> ClueTarget | None:
    """Return the clue's target; None for a clear verdict and for accounts that have no address of their own."""
    if verdict.target is None:
        return None
    kind, index = verdict.target.kind, verdict.target.comment
    if kind is Speaker.COMMENT and index is not None:
        comment = post.comments[index]
        return ClueTarget(
            platform=post.platform,
            kind=TargetKind.COMMENT,
            native_id=comment.native_id,
            url=comment.url,
            account_id=comment.account_id,
        )
    if kind is Speaker.ACCOUNT:
        if post.account_native_id is None or post.platform in PLATFORMS_WITHOUT_ACCOUNTS:
            return None
        return ClueTarget(
            platform=post.platform,
            kind=TargetKind.ACCOUNT,
            native_id=post.account_native_id,
            url=post.account_url,
            account_id=post.account_id,
        )
    return ClueTarget(
        platform=post.platform,
        kind=TargetKind.COMMENT if post.kind == "comment" else TargetKind.POST,
        native_id=post.native_id,
        url=post.url,
        account_id=post.account_id,
    )
