"""From a rejected clue to a proposed change of the rules: a counter-example, an exception or a suppression."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from commands.context import UsageError, context
from commands.rule_changes import Handed, hash_in_force, make_candidate
from commands.rulesets import active_rules
from commands.trying import try_suppression
from storage.errors import InputError, TransitionError
from storage.records import ChangeKind, ClueState
from storage.rule_changes import ChangeFacts

if TYPE_CHECKING:
    import datetime as dt

    from classifiers.engine import Ruleset
    from classifiers.proposals import TermEdit, TermHit
    from classifiers.records import PostText
    from classifiers.suppressions import Suppression
    from classifiers.terms import Term
    from commands.rule_changes import Candidate
    from commands.rulesets import Rules
    from storage.records import Json
    from storage.suppressing import Coverable

DEFAULT_DAYS = 90
"""How long a suppression holds unless a day is named."""

_NO_ACCOUNTS = ("web", "feed")  # their accounts are displayed names, which anybody can take (contracts §5)
_MOST_WORDS = 6
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A rejected clue with what the machine saw and what the person said."""

    key: str
    clue_id: int
    details: Json
    coverable: Coverable
    reason: str | None

    @property
    def texts(self) -> dict[str, str]:
        """The judged texts by the field names of findings."""
        return dict(_post_text(self.details).fields())


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change that a rejected clue proposes, not stored yet; ``shown`` says what it would do."""

    facts: ChangeFacts
    candidate: Candidate
    shown: Json


def load_rejected(clue_id: int) -> Rejected:
    """Return a rejected clue.

    Raises:
        NotFoundError: there is no such clue.
        TransitionError: it is not rejected.
    """
    from storage.clue_details import clue_details
    from storage.suppressing import get_coverable

    with context.store.read() as conn:
        details = clue_details(conn, clue_id, now=context.now())
        if details["state"] != ClueState.REJECTED:
            raise TransitionError("clue", details["clue"], details["state"], "propose a change to the rules")
        coverable = get_coverable(conn, clue_id)
    reasons = [row["reason"] for row in details["decisions"] if row["event"] == "reject"]
    return Rejected(
        key=details["clue"],
        clue_id=clue_id,
        details=details,
        coverable=coverable,
        reason=reasons[-1] if reasons else None,
    )


def what_is_possible(rejected: Rejected) -> Json:
    """Return for each kind of change whether the clue can propose it, and the evidence."""
    from classifiers.proposals import excerpt, longer_words

    rules = active_rules()
    answer: Json = {}
    try:
        hit, term = _hit_and_term(rejected, rules, None)
        shown = {"entry": hit.rule, "found": hit.text[hit.start : hit.end], "view": hit.view, "weight": hit.weight}
        example = _edit_of(ChangeKind.COUNTER_EXAMPLE, rejected, hit, term, None)
        exception = _edit_of(ChangeKind.EXCEPTION, rejected, hit, term, None)
        words = [word for word in longer_words(hit) if _edit_of(ChangeKind.EXCEPTION, rejected, hit, term, word)]
        answer["counter_example"] = {
            **shown,
            "possible": example is not None,
            "text": excerpt(hit, _contact_spans(rejected, hit.field)),
        }
        answer["exception"] = {**shown, "possible": exception is not None, "words": words[:_MOST_WORDS]}
    except InputError as error:
        answer |= {key: {"possible": False, "why": error.detail} for key in ("counter_example", "exception")}
    answer["suppression"] = {target: _suppressible(rejected, target) for target in ("account", "template")}
    return answer


def propose_edit(
    rejected: Rejected, kind: ChangeKind, *, entry: str | None = None, word: str | None = None
) -> Proposal:
    """Return the change that gives an entry a counter-example or an exception.

    Raises:
        InputError: no entry of the lexicon carried weight, or no edit of it helps (``bad_field``).
    """
    from classifiers.rule_edits import RuleEditError, edit_entry

    rules = active_rules()
    hit, term = _hit_and_term(rejected, rules, entry)
    edit = _edit_of(kind, rejected, hit, term, word)
    if edit is None:
        why = f"no longer word around the hit takes it away from {hit.rule} without breaking an example of it"
        raise InputError("bad_field", f"{why}; edit the entry by hand, or suppress", field="--kind")
    file = rules.files[_file_of(hit.rule)]
    try:
        content = edit_entry(
            file.content, term.term, exceptions=edit.exceptions, non_matching=edit.non_matching, views=edit.views
        )
    except RuleEditError as error:
        raise InputError("bad_field", str(error), file=file.name) from None
    candidate = make_candidate([Handed(name=file.name, content=content, path=Path(file.name))])
    facts = ChangeFacts(
        file=file.name,
        content=content,
        base_sha256=file.sha256,
        base_ruleset=candidate.before.ruleset.version,
        kind=kind,
        clue_id=rejected.clue_id,
        note=rejected.reason,
    )
    return Proposal(facts=facts, candidate=candidate, shown=_shown_edit(rejected, edit, candidate.after.ruleset))


def propose_suppression(rejected: Rejected, target: str, *, until: dt.date | None) -> Proposal:
    """Return the change that suppresses the account or the template of the clue until a day.

    Raises:
        InputError: the clue has no account of its own, or its text is too short (``bad_field``).
        UsageError: the day is past or too far away.
    """
    from classifiers.suppressions import FOLDER, write_suppression

    values = _suppression_values(rejected, target, _checked_day(until))
    content = write_suppression(values)
    name = f"{FOLDER}/{rejected.key}-{target}.yml"
    candidate = make_candidate([Handed(name=name, content=content, path=Path(name))])
    facts = ChangeFacts(
        file=name,
        content=content,
        base_sha256=hash_in_force(name, candidate.before),
        base_ruleset=candidate.before.ruleset.version,
        kind=ChangeKind.SUPPRESSION,
        clue_id=rejected.clue_id,
        note=rejected.reason,
    )
    shown = {"target": target, "until": str(values["until"]), **_would_cover(content, name)}
    return Proposal(facts=facts, candidate=candidate, shown=shown)


def read_suppression(content: bytes, name: str) -> Suppression:
    """Return the suppression that bytes hold, as its loader reads it."""
    from tempfile import TemporaryDirectory

    from classifiers.suppressions import load_suppression

    with TemporaryDirectory(prefix="qingyuan-rules-") as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(content)
        return load_suppression(path)


def _hit_and_term(rejected: Rejected, rules: Rules, entry: str | None) -> tuple[TermHit, Term]:
    """Return the hit that misled the machine and its entry as it is in force."""
    from classifiers.proposals import leading_hit

    hit = leading_hit(rejected.details["verdict"]["findings"], rejected.texts, entry)
    if hit is None:
        what = f"{entry} found nothing in {rejected.key}" if entry else "no entry of the lexicon carried weight"
        raise InputError("bad_field", what, field="--entry")
    term = next((one for one in rules.ruleset.lexicon.terms if one.id == hit.rule), None)
    if term is None or _file_of(hit.rule) not in rules.files:
        raise InputError("bad_field", f"{hit.rule} is no longer in force", field="--entry")
    return hit, term


def _edit_of(kind: ChangeKind, rejected: Rejected, hit: TermHit, term: Term, word: str | None) -> TermEdit | None:
    from classifiers.proposals import counter_example_edit, exception_edit

    if kind is ChangeKind.EXCEPTION:
        return exception_edit(hit, term, word)
    return counter_example_edit(hit, term, _contact_spans(rejected, hit.field))


def _contact_spans(rejected: Rejected, field: str) -> list[tuple[int, int]]:
    return [(one["start"], one["end"]) for one in rejected.details["contacts"] if one["field"] == field]


def _file_of(rule: str) -> str:
    return f"lexicons/{rule.partition(':')[0]}.yml"


def _shown_edit(rejected: Rejected, edit: TermEdit, after: Ruleset) -> Json:
    """Return what is added, and the verdict that the clue's post would get then."""
    from classifiers.engine import screen_post

    verdict = screen_post(_post_text(rejected.details), after)
    shown: Json = {"entry": edit.rule, "exceptions": list(edit.exceptions), "non_matching": list(edit.non_matching)}
    if edit.views is not None:
        shown["views"] = list(edit.views)
    return {**shown, "clue_after": {"band": verdict.band.value, "score": verdict.score}}


def _post_text(details: Json) -> PostText:
    """Return the judged texts as the engine reads them; erased comments leave an empty place."""
    from classifiers.records import CommentText, PostText

    content, comments = details["content"], {one["index"]: one for one in details["comments"]}
    above = details["above"] or {}
    parent = content["parent"] or "\n".join(text for text in (above.get("title"), above.get("text")) if text)
    blank = {"text": "", "author": {"name": "", "bio": ""}}
    found = [comments.get(index, blank) for index in range(max(comments, default=-1) + 1)]
    author = content["author"]
    return PostText(
        id=content["post"],
        platform=details["target"]["platform"],
        kind=content["kind"],
        title=content["title"],
        text=content["text"],
        author_name=author["name"],
        author_bio=author["bio"],
        verified=bool(author["verified"]),
        verified_as=author["verified_as"] or "",
        parent=parent,
        comments=tuple(
            CommentText(text=one["text"], author_name=one["author"]["name"], author_bio=one["author"]["bio"])
            for one in found
        ),
    )


def _suppressible(rejected: Rejected, target: str) -> Json:
    from classifiers.suppressions import last_day, write_suppression

    try:
        values = _suppression_values(rejected, target, last_day(context.now(), DEFAULT_DAYS))
    except InputError as error:
        return {"possible": False, "why": error.detail}
    return {"possible": True, **_would_cover(write_suppression(values), "proposed.yml")}


def _would_cover(content: bytes, name: str) -> Json:
    counted = try_suppression(read_suppression(content, name))
    return {key: counted[key] for key in ("newly_suppressed", "confirmed_like_it")}


def _suppression_values(rejected: Rejected, target: str, until: dt.date) -> dict[str, object]:
    from classifiers.suppressions import template_bands

    values: dict[str, object] = {"suppress": target}
    if target == "account":
        account = rejected.coverable.account
        if account is None or account.partition(":")[0] in _NO_ACCOUNTS:
            raise InputError("bad_field", "the clue has no account that can be told from others", field="--target")
        values["account"] = account
    else:
        bands = template_bands(rejected.coverable.text)
        if not bands:
            raise InputError("bad_field", "its text is too short to tell copies by", field="--target")
        values |= {"bands": bands, "contacts": sorted(rejected.coverable.contacts)}
    reason = (rejected.reason or "rejected by a person")[:_LONGEST_REASON]
    return {**values, "until": until, "clue": rejected.key, "reason": reason}


def _checked_day(until: dt.date | None) -> dt.date:
    from classifiers.suppressions import LONGEST, last_day

    today = last_day(context.now(), 0)
    if until is None:
        return last_day(context.now(), DEFAULT_DAYS)
    if not today < until <= today + LONGEST:
        raise UsageError(f"a suppression ends after today and within {LONGEST.days} days", field="--expires")
    return until
