"""The stages over the database: screening stored posts and clustering clues; the one impure module here.

Each stage reads rows that lack its result, computes outside any transaction and writes in short ones, so that it
can be killed at any instant and run again, and two workers at once only waste time.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from classifiers.clustering import STRONG, WEAK, band_keys, candidates, shingles, similarity
from classifiers.grouping import Evidence, group_clues, telling_contacts
from classifiers.judging import Failure, is_long, judge_each
from classifiers.records import Band as MachineBand
from classifiers.records import CommentText, PostText, verdict_line
from classifiers.records import TargetKind as Speaker
from classifiers.severity import severity
from storage.clue_updates import ClueTarget, Hit, apply_hits, settle_clues
from storage.clues import list_clues, open_clues_of
from storage.cluster_updates import follow_groups
from storage.clusters import count_clusters
from storage.contacts import add_uses, seal_contact
from storage.decisions import move_clues
from storage.engine import CHUNK_ROWS
from storage.linking import (
    add_bands,
    contact_pairs,
    finish_texts,
    load_links,
    pending_texts,
    sync_contact_pairs,
    texts_of,
)
from storage.live_hits import stale_clues
from storage.quarantine import MOST_TRIES, begin_try, count_given_up, end_tries, give_up
from storage.records import Band, ClueState, TargetKind
from storage.sealing import load_sealer
from storage.transitions.clue import ClueEvent
from storage.verdicts import VerdictFacts, add_verdicts, count_pending, pending_chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from classifiers.clustering import Shingles
    from classifiers.engine import Ruleset
    from classifiers.records import Verdict
    from storage.engine import Store, Unit
    from storage.records import Json
    from storage.sealing import Sealer
    from storage.verdicts import PendingPost

    Progress = Callable[[int, int | None], None]

PLATFORMS_WITHOUT_ACCOUNTS = ("web", "feed")
"""Their accounts are host and displayed name: a verdict on one is kept but makes no clue (contracts §5)."""

TEXTS_PER_CHUNK = 100
"""Texts compared at a time: each has 64 band rows to store."""

KEPT_LINKS = 8
"""Copies, and as many spins, to which one text is linked: the oldest copies, so that all meet at the same ones."""

ALLOWED = "the account is on the allow-list"
"""Reason of a suppression: the institution's own account."""


def screen_posts(
    store: Store,
    ruleset: Ruleset,
    *,
    now: datetime,
    sealer: Sealer | None = None,
    progress: Progress | None = None,
    chunk: int = CHUNK_ROWS,
    new_only: bool = False,
) -> Json:
    """Judge every current revision that lacks a verdict of the ruleset, and make or update clues.

    New posts come before history, and history newest first; ``new_only`` leaves history to another run. Killed at
    any instant it goes on where it was: what has its verdict is not judged again.

    Posts and comments are judged alike: a comment with the text it answers, a post with the comments below it.
    ``progress`` is called with (done, total); ``sealer`` defaults to the workspace's.

    Returns:
        ``{screened, flagged, unsure, clear, clues: {new, updated}, ruleset}`` of the contracts, and how many posts
        are in quarantine; those that were put there now are ``problems``.
    """
    sealer = sealer or load_sealer(store.keys_root)
    counted: Counter[str] = Counter()
    problems: list[Json] = []
    total = None
    if progress is not None:
        with store.read() as conn:
            total = count_pending(conn, ruleset.version, new_only=new_only)
    for posts in pending_chunks(store, ruleset.version, chunk=chunk, new_only=new_only):
        found = _judge(store, ruleset, posts, now=now)
        judged = [
            _facts_of(post, verdict, ruleset, sealer=sealer)
            for post, verdict in found
            if not isinstance(verdict, Failure)
        ]
        failed = [(post, failure.why) for post, failure in found if isinstance(failure, Failure)]
        with store.write(now) as unit:
            counted.update(_store_verdicts(unit, ruleset.version, judged))
            end_tries(unit, [facts.revision_id for _, facts, _ in judged], ruleset.version)
            give_up(unit, ruleset.version, {post.revision_id: why for post, why in failed})
        problems += [
            {"code": "failed", "id": f"{post.platform}:{post.native_id}", "message": why} for post, why in failed
        ]
        if progress is not None:
            progress(counted["screened"], total)
    counted["updated"] += _settle_stale(store, ruleset.version, now=now, chunk=chunk)
    with store.read() as conn:
        quarantined = count_given_up(conn, ruleset.version)
    return {
        **{name: counted[name] for name in ("screened", *(band.value for band in Band))},
        "clues": {name: counted[name] for name in ("new", "updated")},
        "ruleset": ruleset.version,
        **({"quarantined": quarantined} if quarantined else {}),
        **({"problems": problems} if problems else {}),
    }


def _judge(
    store: Store, ruleset: Ruleset, posts: Sequence[PendingPost], *, now: datetime
) -> list[tuple[PendingPost, Verdict | Failure]]:
    """Return each post with its verdict, or why there is none.

    A long text is judged by itself, after that was recorded: should it end this process, the next one knows.
    """
    texts = {post.revision_id: text_of(post) for post in posts}
    short = [post for post in posts if not is_long(texts[post.revision_id])]
    found: list[tuple[PendingPost, Verdict | Failure]] = list(
        zip(short, judge_each([texts[post.revision_id] for post in short], ruleset), strict=True)
    )
    for post in posts:
        text = texts[post.revision_id]
        if is_long(text):
            with store.write(now) as unit:
                deaths = begin_try(unit, post.revision_id, ruleset.version)
            given_up = Failure(f"the process ended {deaths} times while it judged this")
            found.append((post, given_up if deaths >= MOST_TRIES else judge_each([text], ruleset)[0]))
    return found


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
            severity=facts.severity,
        )
        for post, facts, target in new
        if target is not None
    ]
    made, updated = apply_hits(unit, ruleset, hits)
    counted = Counter(facts.band for _, facts, _ in new)
    return counted + Counter(screened=len(new), new=made, updated=updated)


def _facts_of(
    post: PendingPost, verdict: Verdict, ruleset: Ruleset, *, sealer: Sealer
) -> tuple[PendingPost, VerdictFacts, ClueTarget | None]:
    line = verdict_line("", verdict)
    target = _clue_target(post, verdict)
    contacts = () if verdict.band is MachineBand.CLEAR else verdict.contacts  # of nobody's business (design §4.5)
    facts = VerdictFacts(
        revision_id=post.revision_id,
        band=verdict.band.value,
        label=verdict.label.value,
        score=verdict.score,
        severity=severity(verdict, ruleset.severity),
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


def text_of(post: PendingPost) -> PostText:
    """Return a stored post as the engine reads it."""
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


def cluster_clues(
    store: Store,
    *,
    now: datetime,
    allow_list: Collection[str] = (),
    progress: Progress | None = None,
    chunk: int = CHUNK_ROWS,
) -> Json:
    """Suggest which clues are one operator's, keep the clusters in line, and put new clues into the queue.

    Clues of accounts on the allow-list (``platform:native_id``) are suppressed instead. Texts are compared once;
    a run without new clues or judgements changes nothing. ``progress`` is called with the clues compared so far.

    Returns:
        ``{clusters, members, queued}``: open clusters, the clues in them, clues newly queued.
    """
    _suppress_allowed(store, allow_list, now=now, chunk=chunk)
    _compare_texts(store, now=now, progress=progress, chunk=min(chunk, TEXTS_PER_CHUNK))
    with store.read() as conn:
        links = load_links(conn)
        stored = contact_pairs(conn)
    evidence = Evidence(
        clues=links.clues,
        contacts=links.contacts,
        texts=links.texts,
        same=links.same,
        different=links.different,
    )
    _store_contact_pairs(store, evidence, stored, now=now, chunk=chunk)
    follow_groups(store, [(group.members, group.basis) for group in group_clues(evidence)], now=now)
    queued = _queue_new(store, now=now, chunk=chunk)
    with store.read() as conn:
        clusters, members = count_clusters(conn)
    return {"clusters": clusters, "members": members, "queued": queued}


def _compare_texts(store: Store, *, now: datetime, progress: Progress | None, chunk: int) -> None:
    """Find the linked pairs of every text that was not compared yet."""
    after = done = 0
    while True:
        with store.read() as conn:
            texts = pending_texts(conn, after=after, limit=chunk)
        if not texts:
            return
        grams = {text.clue_id: shingles(text.text) for text in texts}
        keys = {number: band_keys(own).tolist() for number, own in grams.items()}
        with store.write(now) as unit:
            shared = add_bands(unit, keys)
        pairs = _linked_pairs(store, grams, shared)
        with store.write(now) as unit:
            finish_texts(unit, texts, pairs)
        after, done = texts[-1].clue_id, done + len(texts)
        if progress is not None:
            progress(done, None)


def _linked_pairs(
    store: Store, grams: dict[int, Shingles], shared: Mapping[int, Counter[int]]
) -> dict[tuple[int, int], float]:
    """Return the similar pairs among the candidates of some clues: the oldest copies, and the likest others."""
    chosen_of = {number: candidates(counted) for number, counted in shared.items()}
    others = {other for chosen in chosen_of.values() for other in chosen} - grams.keys()
    with store.read() as conn:
        known = grams | {number: shingles(text) for number, text in texts_of(conn, others).items()}
    pairs: dict[tuple[int, int], float] = {}
    for number, chosen in chosen_of.items():
        scores = {other: similarity(known[number], known[other]) for other in chosen if other in known}
        copies = sorted(other for other, score in scores.items() if score >= STRONG)[:KEPT_LINKS]
        spins = sorted((other for other, score in scores.items() if WEAK <= score < STRONG), key=scores.__getitem__)
        for other in (*copies, *spins[-KEPT_LINKS:]):
            pairs[min(number, other), max(number, other)] = scores[other]
    return pairs


def _store_contact_pairs(
    store: Store, evidence: Evidence, stored: set[tuple[int, int]], *, now: datetime, chunk: int
) -> None:
    """Suggest each clue of a contact together with the oldest one that has it."""
    wanted: dict[tuple[int, int], list[int]] = {}
    for contact, block in telling_contacts(evidence):
        for other in block[1:]:
            wanted.setdefault((block[0], other), []).append(contact)
    wanted = {pair: contacts for pair, contacts in wanted.items() if pair not in evidence.different}
    missing = sorted(wanted.keys() - stored)
    obsolete = sorted(stored - wanted.keys())
    for start in range(0, max(len(missing), len(obsolete)), chunk):
        part = slice(start, start + chunk)
        with store.write(now) as unit:
            sync_contact_pairs(unit, {pair: wanted[pair] for pair in missing[part]}, obsolete[part])


def _suppress_allowed(store: Store, allow_list: Collection[str], *, now: datetime, chunk: int) -> None:
    while allow_list:
        with store.read() as conn:
            own = open_clues_of(conn, allow_list, limit=chunk)
        if not own:
            return
        with store.write(now) as unit:
            move_clues(unit, own, ClueEvent.SUPPRESS, reason=ALLOWED)


def _queue_new(store: Store, *, now: datetime, chunk: int) -> int:
    queued = 0
    while True:
        with store.read() as conn:
            new = [row.id for row in list_clues(conn, states=[ClueState.NEW], limit=chunk)]
        if not new:
            return queued
        with store.write(now) as unit:
            queued += len(move_clues(unit, new, ClueEvent.QUEUE))
