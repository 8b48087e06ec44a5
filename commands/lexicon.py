"""`qingyuan lexicon`: the rules in force, and the life of a change to them."""

from __future__ import annotations

import datetime as dt
import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from commands.context import UsageError, context
from storage.records import ChangeKind, ChangeState, Json, parse_id

if TYPE_CHECKING:
    from commands.rule_changes import Candidate, Handed
    from commands.rulesets import Rules
    from storage.rule_changes import ChangeFacts, ChangeRow

lexicon_app = typer.Typer(help="The rules in force, and changes to them: add, try, activate by a second person.")

_CHANGE_ID = re.compile(r"x[1-9][0-9]*")
_Note = Annotated[str | None, typer.Option(metavar="T", help="Why, in a few words.")]
_Kind = Literal["counter_example", "exception", "suppression"]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(lexicon_app, name="lexicon")


@lexicon_app.command("check")
def check(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE…]", help="Rule files; default: those in force.")
    ] = None,
) -> None:
    """Check rule files and every example of every entry; named files are checked together with those in force."""
    from commands.rule_changes import make_candidate, read_handed

    candidate = make_candidate([read_handed(file) for file in files or ()])
    problems = candidate.problems if files else [*candidate.problems, *_standing_problems(candidate.before)]
    entries = candidate.entries if files else len(candidate.after.ruleset.lexicon.terms)
    ruleset = candidate.after.ruleset.version
    context.out.obj({"change": None, "entries": entries, "ruleset": ruleset, "problems": problems})


@lexicon_app.command("list")
def list_terms() -> None:
    """List the terms in force, the newest first, with the file that each stands in and where that comes from."""
    from commands.rulesets import active_rules

    rules = active_rules()
    terms = sorted(rules.ruleset.lexicon.terms, key=lambda term: term.id)
    terms.sort(key=lambda term: term.date, reverse=True)
    lines = []
    for term in islice(terms, context.limit or None):
        file = rules.files[f"lexicons/{term.id.partition(':')[0]}.yml"]
        lines.append(
            {
                "entry": term.id,
                "role": term.role.value,
                "category": term.category.value if term.category else None,
                "weight": term.weight.value,
                "views": sorted(view.value for view in term.views),
                "forms": [term.term, *term.variants, *term.aliases],
                "exceptions": list(term.exceptions),
                "date": term.date.isoformat(),
                "file": file.name,
                "origin": file.origin,
                "sha256": file.sha256,
            }
        )
    context.out.lines(lines, shown=("entry", "role", "category", "weight", "views", "origin", "date"))


@lexicon_app.command("add")
def add(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A whole rule file; its name says what it replaces.")],
    *,
    note: _Note = None,
) -> None:
    """Propose a change: the file is checked and stored, nothing in force changes."""
    from commands.rule_changes import end_activations, hash_in_force, make_candidate, read_handed
    from storage.rule_changes import ChangeFacts
    from storage.transitions.rule_change import AUTHORS, check_role

    actor = context.actor()
    check_role(actor, "propose a change to the rules", needs=AUTHORS)
    end_activations()
    handed = read_handed(file)
    candidate = make_candidate([handed])
    facts = ChangeFacts(
        file=handed.name,
        content=handed.content,
        base_sha256=hash_in_force(handed.name, candidate.before),
        base_ruleset=candidate.before.ruleset.version,
        note=note,
    )
    _store(facts, candidate, {}, file=str(handed.path))


@lexicon_app.command("propose")
def propose(
    clue: Annotated[str, typer.Argument(metavar="CLUE", help="A rejected clue, as c12.")],
    *,
    kind: Annotated[_Kind | None, typer.Option(help="What to propose; without it, what is possible.")] = None,
    target: Annotated[
        Literal["account", "template"], typer.Option(help="What a suppression is about.")
    ] = "account",
    expires: Annotated[
        str | None, typer.Option(metavar="DATE", help="Last day of a suppression; default: in 90 days.")
    ] = None,
    entry: Annotated[
        str | None, typer.Option(metavar="RULE", help="The entry to mend; default: the one with most weight.")
    ] = None,
    word: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The longer word of an exception; default: the shortest.")
    ] = None,
) -> None:
    """Propose a change from a clue that was rejected: a counter-example, an exception or a suppression."""
    from commands.proposing import load_rejected, propose_edit, propose_suppression, what_is_possible
    from commands.rule_changes import end_activations
    from storage.transitions.rule_change import AUTHORS, check_role

    clue_id = parse_id("clue", clue)
    if kind is None:
        rejected = load_rejected(clue_id)
        possible = what_is_possible(rejected)
        context.out.obj({"clue": rejected.key, "change": None, "entries": 0, "possible": possible, "problems": []})
        return
    check_role(context.actor(), "propose a change to the rules", needs=AUTHORS)
    end_activations()
    rejected = load_rejected(clue_id)
    if kind == "suppression":
        proposal = propose_suppression(rejected, target, until=_day(expires))
    else:
        proposal = propose_edit(rejected, ChangeKind(kind), entry=entry, word=word)
    _store(proposal.facts, proposal.candidate, {"clue": rejected.key, **proposal.shown}, file=proposal.facts.file)


@lexicon_app.command("try")
def try_change(
    change: Annotated[str, typer.Argument(metavar="ID|FILE", help="A change, as x3, or a rule file.")],
    *,
    gold: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Labelled lines; default: overlays/gold/*.jsonl of the workspace."),
    ] = None,
) -> None:
    """Show what a change would do to the gold set and to every stored post; nothing in force changes."""
    from commands.labelled import Problems
    from commands.rule_changes import end_activations, make_candidate
    from commands.trial_tables import print_trial
    from commands.trying import gold_files, trial_record, try_on_gold
    from storage.rule_changes import record_trial
    from storage.transitions.rule_change import AUTHORS, check_role

    actor = context.actor()
    check_role(actor, "try a change to the rules", needs=AUTHORS)
    end_activations()
    handed, rows = _handed(change)
    candidate, faults = make_candidate([handed]), Problems()
    key = change if _CHANGE_ID.fullmatch(change) else rows[0].key if rows else None
    answer: Json = {"change": key, "gold": None, "history": None}
    if candidate.problems:
        context.out.obj({**answer, "problems": candidate.problems})
        return
    before, after = candidate.before.ruleset, candidate.after.ruleset
    answer["gold"] = try_on_gold(gold_files(gold or ()), before, after, faults)
    answer["history"] = _try_on_stored(handed, candidate)
    record = trial_record(answer["gold"], answer["history"], before=before.version, after=after.version)
    with context.store.write(context.now()) as unit:
        for row in rows:
            record_trial(unit, row.id, record, actor=actor)
    answer |= {"ruleset": record["ruleset"]}
    if not context.json:
        print_trial(answer)
    context.out.obj({**(answer if context.json else {}), "problems": faults.found})


@lexicon_app.command("activate")
def activate_command(
    change: Annotated[str, typer.Argument(metavar="ID", help="A tried change, as x3.")],
) -> None:
    """Put a tried change in force; its author cannot."""
    from commands.rule_changes import activate

    row, entries = activate(parse_id("change", change), actor=context.actor())
    context.out.obj({**_state(row), "entries": entries, "problems": []})
    if row.kind is ChangeKind.SUPPRESSION:
        context.out.note("next: qingyuan cluster takes the clues it covers out of the queue")
    elif row.ruleset_before != row.ruleset_after:
        context.out.note("next: qingyuan screen-posts judges stored posts anew, new ones first")


@lexicon_app.command("reject")
def reject(
    change: Annotated[str, typer.Argument(metavar="ID", help="A proposed or tried change, as x3.")],
    *,
    reason: Annotated[str | None, typer.Option(metavar="T", help="Why.")] = None,
) -> None:
    """Put a proposed change away; its author may do so too."""
    from storage.rule_changes import reject_change

    number, actor = parse_id("change", change), context.actor()
    with context.store.write(context.now()) as unit:
        row = reject_change(unit, number, actor=actor, reason=reason)
    context.out.obj({**_state(row), "problems": []})


@lexicon_app.command("history")
def history(
    version: Annotated[
        str | None, typer.Argument(metavar="[RULESET]", help="A version that verdicts name: show its files.")
    ] = None,
    *,
    rulesets: Annotated[bool, typer.Option("--rulesets", help="List kept versions instead of changes.")] = False,
    write: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the files of the version into a new folder.")
    ] = None,
) -> None:
    """List changes to the rules, newest first; or kept versions; or the files of one version."""
    from commands.rule_changes import end_activations
    from commands.rule_history import ruleset_details, ruleset_lines, write_ruleset
    from storage.rule_changes import change_line, list_changes

    end_activations()
    if version is not None:
        details = ruleset_details(version)
        context.out.obj({**details, "written": write_ruleset(version, write)} if write else details)
        return
    if write is not None:
        raise UsageError("name the version whose files are wanted", field="RULESET")
    if rulesets:
        context.out.lines(ruleset_lines(), shown=("ruleset", "kept_at", "change", "in_force"))
        return
    with context.store.read() as conn:
        rows = list_changes(conn, limit=context.limit)
    shown = ("change", "state", "kind", "file", "author", "at", "note")
    context.out.lines((change_line(row) for row in rows), shown=shown)


def _store(facts: ChangeFacts, candidate: Candidate, shown: Json, *, file: str) -> None:
    """Store a change whose examples all hold, and answer."""
    from storage.errors import InputError
    from storage.rule_changes import add_change

    head: Json = {"change": None, "entries": candidate.entries, **shown, "file": facts.file}
    if candidate.problems:
        context.out.obj({**head, "problems": candidate.problems})
        return
    if facts.base_sha256 == _sha256(facts.content):
        raise InputError("bad_field", "this is the file in force already", file=file)
    with context.store.write(context.now()) as unit:
        row = add_change(unit, facts, actor=context.actor())
    context.out.obj({**head, "change": row.key, "state": row.state.value, "problems": []})
    context.out.note(f"next: qingyuan lexicon try {row.key}; then another person: lexicon activate {row.key}")


def _sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


def _handed(change: str) -> tuple[Handed, list[ChangeRow]]:
    """Return the file of a stored change, or a handed-over file, and the open changes that are exactly it."""
    from commands.rule_changes import Handed, read_handed
    from storage.rule_changes import get_change, open_changes_of
    from storage.rulesets import file_content

    if not _CHANGE_ID.fullmatch(change):
        handed = read_handed(change)
        with context.store.read() as conn:
            return handed, open_changes_of(conn, handed.name, _sha256(handed.content))
    with context.store.read() as conn:
        row = get_change(conn, parse_id("change", change))
        content = file_content(conn, row.sha256)
    open_states = (ChangeState.PROPOSED, ChangeState.TRIED)
    return Handed(name=row.file, content=content, path=Path(row.file)), [row] if row.state in open_states else []


def _try_on_stored(handed: Handed, candidate: Candidate) -> Json:
    from classifiers.suppressions import FOLDER
    from commands.proposing import read_suppression
    from commands.trying import try_on_history, try_suppression

    if handed.name.startswith(f"{FOLDER}/"):
        return try_suppression(read_suppression(handed.content, handed.name))
    return try_on_history(candidate.before.ruleset, candidate.after.ruleset)


def _standing_problems(rules: Rules) -> list[Json]:
    """Return the changes in force whose file does not stand there; refuse a suppression that cannot be read."""
    from commands.rule_changes import hash_in_force
    from commands.suppressing import suppressions_in_force
    from storage.rule_changes import active_changes

    if not context.data:
        return []
    suppressions_in_force(context.now())
    with context.store.read() as conn:
        changes = active_changes(conn)
    return [
        {
            "code": "conflict",
            "file": row.file,
            "id": row.key,
            "message": f"{row.key} put another file there than the one that stands there now",
        }
        for row in changes.values()
        if hash_in_force(row.file, rules) != row.sha256
    ]


def _state(row: ChangeRow) -> Json:
    return {
        "change": row.key,
        "state": row.state.value,
        "file": row.file,
        "ruleset": {"before": row.ruleset_before, "after": row.ruleset_after},
    }


def _day(text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no day, such as 2027-02-20", field="--expires") from None
