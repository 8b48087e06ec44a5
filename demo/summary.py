"""The summary of a play: read back by the same commands that everybody has."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from demo.player import STORY_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from demo.player import Play

_FOUND_SHARE = 0.8
_RATE_KEYS = ("rate", "low", "high", "n", "unknown")

Target = tuple[str, str]


def summarise(play: Play, *, evidence: Mapping[str, int], seconds: float) -> dict[str, Any]:
    """Return the summary object; a smoke test of the loop, never a claim of quality."""
    moment = play.at(STORY_DAYS, hours=11)
    clues = play.type_command.lines("clues", "list", at=moment)
    truth = [line for line in play.truth() if line["planted"]]
    planted = {(line["platform"], line["native_id"]) for line in truth}
    targets = {clue["clue"]: _target(clue["target"]) for clue in clues}
    flagged = [targets[clue["clue"]] for clue in clues if clue["band"] == "flagged"]
    outcomes = play.type_command.lines("outcomes", "list", at=moment)
    sent = play.type_command("batch", "show", str(play.batch), at=moment)["contents"]
    rate = play.type_command("stats", at=moment)["action_rate"]
    return {
        "posts": play.type_command("posts", "count", at=moment)["posts"],
        "clues": len(clues),
        "planted": len(planted),
        "recall": _share(len(planted & set(targets.values())), len(planted)),
        "precision": _share(sum(target in planted for target in flagged), len(flagged)),
        "clusters": _clusters(play, truth, targets),
        "submitted": sum(line["state"] not in ("withdrawn", "drafted") for line in sent),
        "outcomes": dict(Counter(line["kind"] for line in outcomes)),
        "action_rate": {key: rate[key] for key in _RATE_KEYS},
        "evidence": {"files": evidence["files"], "verified": evidence["verified"]},
        "seconds": round(seconds, 1),
    }


def found_rings(rings: Mapping[str, set[Target]], clusters: Iterable[set[Target]]) -> int:
    """Return how many rings have four fifths of their members in one cluster with at most one outsider."""
    groups = list(clusters)
    return sum(
        any(len(ring & group) >= _FOUND_SHARE * len(ring) and len(group - ring) <= 1 for group in groups)
        for ring in rings.values()
    )


def _clusters(play: Play, truth: list[dict[str, Any]], targets: Mapping[str, Target]) -> dict[str, int]:
    rings: defaultdict[str, set[Target]] = defaultdict(set)
    for line in truth:
        if line["ring"]:
            rings[line["ring"]].add((line["platform"], line["native_id"]))
    moment = play.start + timedelta(days=STORY_DAYS)
    listed = play.type_command.lines("clusters", "list", at=moment)
    details = [play.type_command("clusters", "show", line["cluster"], at=moment) for line in listed]
    groups = [{targets[member["clue"]] for member in detail["clues"]} for detail in details]
    return {"planted": len(rings), "found": found_rings(rings, groups)}


def _target(target: Mapping[str, Any]) -> Target:
    return (target["platform"], target["native_id"])


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None
