"""Run the obfuscation benchmark: recall by way and false positives by set, beside a plain scan and brute force."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.obfuscation.cases import load_carriers, load_terms, make_cases, make_natural_carriers
from benchmarks.obfuscation.configurations import fifty_terms, shipped
from benchmarks.obfuscation.lines import SETS, load_lines, write_lines
from benchmarks.obfuscation.measure import (
    PLAIN_VIEWS,
    THRESHOLDS,
    Share,
    bands_of,
    count_at,
    count_by_way,
    false_by_brute_force,
    false_hits,
    false_plain,
    scores_by_brute_force,
    seen_by_matcher,
    seen_by_plain_scan,
)
from benchmarks.obfuscation.ways import DETERMINISTIC, load_substitutes
from classifiers.engine import load_ruleset
from classifiers.records import Band
from classifiers.tables import load_folding, load_shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.obfuscation.cases import Case

BUILD = Path(__file__).resolve().parents[2] / "build" / "benchmarks"
# What must hold in one configuration (the fifty terms): recall, and the share of lines in which a term is named.
LEAST_RECALL = 0.93
MOST_FALSE = {"unrelated": 0.001, "neutral_finance": 0.005, "borrower_questions": 0.001}
Row = dict[str, Share]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything measured: recall by engine and way, false positives by set and engine, what both lists hold."""

    recall: dict[str, Row]
    natural: dict[str, Row]
    false: dict[str, Row]
    shared: Row
    by_knowledge: Row
    misses: list[dict[str, str]]
    wrong: list[dict[str, str]]
    flagged: list[dict[str, str]]

    def problems(self) -> list[str]:
        """Return which goal is not reached, in words."""
        ours = self.recall["fifty terms"]
        found = [f"{way} {ours[way].rate:.3f} < 1" for way in DETERMINISTIC if ours[way].hits < ours[way].total]
        if ours["micro"].rate < LEAST_RECALL:
            found.append(f"micro recall {ours['micro'].rate:.3f} < {LEAST_RECALL}")
        for name, most in MOST_FALSE.items():
            rate = self.false[name]["fifty terms"].rate
            if rate > most:
                found.append(f"false positives on {name} {rate:.4f} > {most}")
        return found


def measure(extra: Sequence[Path] = ()) -> Figures:
    """Return the figures; every extra file of lines is one more set of lines without a term."""
    cases = make_cases(load_terms(), load_carriers())
    natural = make_cases(load_terms(), make_natural_carriers(load_lines("unrelated")), draws=4)
    ours = seen_by_matcher(cases, fifty_terms())
    sets = {**{name: load_lines(name) for name in SETS}, **{path.stem: read_extra(path) for path in extra}}
    ruleset = load_ruleset()
    bands = {name: bands_of(lines, ruleset) for name, lines in sets.items()}
    return Figures(
        recall=_recall(cases),
        natural=_recall(natural),
        false={name: _false(lines, bands[name]) for name, lines in sets.items()},
        shared=_shared(),
        by_knowledge=_by_knowledge(cases, ours),
        misses=[
            {"way": case.way, "term": case.term, "disguised": case.disguised}
            for case, hit in zip(cases, ours, strict=True)
            if not hit
        ],
        wrong=[
            {"set": name, "term": hit.form, "view": hit.view, "text": hit.text, "line": line}
            for name, lines in sets.items()
            for line, hit in false_hits(lines, fifty_terms())
        ],
        flagged=[
            {"set": name, "line": line}
            for name, lines in sets.items()
            for line, band in zip(lines, bands[name], strict=True)
            if band is Band.FLAGGED
        ],
    )


def read_extra(path: Path) -> list[str]:
    """Return the distinct texts of a file: a text per line, or JSON objects with a ``text``."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if path.suffix == ".jsonl":
        lines = [str(json.loads(line)["text"]) for line in lines]
    return list(dict.fromkeys(line for line in lines if line.strip()))


def _recall(cases: Sequence[Case]) -> dict[str, Row]:
    terms, scores = load_terms(), scores_by_brute_force(cases)
    found = {
        "fifty terms": seen_by_matcher(cases, fifty_terms()),
        "shipped lexicon": seen_by_matcher(cases, shipped()),
        "plain scan": seen_by_plain_scan(cases, terms),
        **{f"partial_ratio {least}": [score >= least for score in scores] for least in THRESHOLDS},
    }
    return {engine: count_by_way(cases, hits) for engine, hits in found.items()}


def _false(lines: Sequence[str], bands: Sequence[Band]) -> Row:
    """Return in how many lines each engine names a term, and how many lines whole screening does not clear."""
    total = len(lines)
    configurations = (fifty_terms(), shipped())
    named = {each.name: [hit for _, hit in false_hits(lines, each)] for each in configurations}
    scores = false_by_brute_force(lines, load_terms())
    counts = {
        **{name: len(hits) for name, hits in named.items()},
        **{f"{name}, disguised": sum(h.view not in PLAIN_VIEWS for h in hits) for name, hits in named.items()},
        "screening: flagged": bands.count(Band.FLAGGED),
        "screening: unsure": bands.count(Band.UNSURE),
        "plain scan": false_plain(lines, load_terms()),
        **{f"partial_ratio {least}": count_at(scores, least) for least in THRESHOLDS},
    }
    return {name: Share(hits=count, total=total) for name, count in counts.items()}


def _tables() -> dict[str, Callable[[str, str], bool]]:
    """Return how to ask whether the matcher's own tables hold a substitute: (character meant, substitute)."""
    shapes, fold = load_shapes(), load_folding().fold
    return {
        "glyphs": lambda char, seen: seen in shapes.alike.get(char, ""),
        "parts": lambda char, seen: seen in shapes.splits.get(char, ()),
        "pictures": lambda char, seen: chr(int(fold[ord(seen[0])])) == char,
    }


def _shared() -> Row:
    """Return how many substitutes of each list the matcher's tables hold too."""
    substitutes = load_substitutes()
    shared = {}
    for name, known in _tables().items():
        pairs = [(char, seen) for char, texts in substitutes[name].items() if char for seen in texts]
        shared[name] = Share(hits=sum(known(char, seen) for char, seen in pairs), total=len(pairs))
    return shared


def _by_knowledge(cases: Sequence[Case], found: Sequence[bool]) -> Row:
    """Return the recall of look-alikes that the matcher's table holds, and of those that it does not."""
    known = _tables()["glyphs"]
    counts: dict[str, tuple[int, int]] = {}
    for case, hit in zip(cases, found, strict=True):
        if case.way != "similar_glyph":
            continue
        char, seen = next((a, b) for a, b in zip(case.term, case.disguised, strict=True) if a != b)
        name = "look-alikes in the table" if known(char, seen) else "look-alikes not in the table"
        hits, total = counts.get(name, (0, 0))
        counts[name] = (hits + hit, total + 1)
    return {name: Share(hits=hits, total=total) for name, (hits, total) in counts.items()}


def as_table(rows: dict[str, Row], names: Sequence[str], head: str) -> str:
    """Return a Markdown table: a line per name, a column per row, the share and what it is a share of."""
    lines = [f"| {head} | n | " + " | ".join(rows) + " |", "| --- |" + " ---: |" * (len(rows) + 1)]
    for name in names:
        total = next(iter(rows.values()))[name].total
        cells = [f"{row[name].rate:.3f}" for row in rows.values()]
        lines.append(f"| {name} | {total} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def as_counts(rows: dict[str, Row]) -> str:
    """Return a Markdown table: a line per engine, a column per set, hits of total and per cent."""
    lines = ["| lines without a term | " + " | ".join(rows) + " |", "| --- |" + " ---: |" * len(rows)]
    for name in next(iter(rows.values())):
        cells = [f"{row[name].hits}/{row[name].total} ({100 * row[name].rate:.2f}%)" for row in rows.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def as_json(figures: Figures) -> str:
    """Return the figures as one JSON object."""
    tables = {
        name: {
            engine: {key: [share.hits, share.total] for key, share in row.items()} for engine, row in rows.items()
        }
        for name, rows in (("recall", figures.recall), ("natural", figures.natural), ("false", figures.false))
    }
    rows = {"shared": figures.shared, "by_knowledge": figures.by_knowledge}
    counts = {name: {key: [s.hits, s.total] for key, s in row.items()} for name, row in rows.items()}
    rest = {
        "problems": figures.problems(),
        "misses": figures.misses,
        "wrong": figures.wrong,
        "flagged": figures.flagged,
    }
    return json.dumps({**tables, **counts, **rest}, ensure_ascii=False)


def main(arguments: Sequence[str] = ()) -> None:
    """Print the tables, write the JSON beside them, and end with 1 when a goal is not reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.obfuscation", description=__doc__)
    parser.add_argument("--json", type=Path, default=BUILD / "obfuscation.json", help="where the figures go")
    parser.add_argument("--lines", type=Path, nargs="*", default=[], help="more lines without a term")
    parser.add_argument("--make-lines", action="store_true", help="write the lines without a term anew, and end")
    chosen = parser.parse_args(list(arguments))
    if chosen.make_lines:
        write_lines()
        return
    figures = measure(chosen.lines)
    print("Recall, written carriers (hit = the term is named at the place where it was put):\n")
    print(as_table(figures.recall, list(figures.recall["fifty terms"]), "way"))
    print("\nRecall, everyday lines as carriers:\n")
    print(as_table(figures.natural, ["micro"], "way"))
    print("\nFalse positives:\n")
    print(as_counts(figures.false))
    print("\nSubstitutes that the matcher's tables hold too, and what that means for look-alikes:\n")
    for name, share in {**figures.shared, **figures.by_knowledge}.items():
        print(f"- {name}: {share.hits} of {share.total} ({share.rate:.2f})")
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(as_json(figures) + "\n", encoding="utf-8")
    for problem in figures.problems():
        print(f"\nNot reached: {problem}")
    if figures.problems():
        sys.exit(1)
