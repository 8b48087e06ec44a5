"""The loop as an outside program types it: crawl, run, decide, send, replies, rechecks, statistics."""

from __future__ import annotations

import csv
import signal
import time
from typing import TYPE_CHECKING, Any

from tests.support.cli import Answer, call, started
from tests.support.site import Page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.site import Site

RUN = {"source", "run", "state", "resumed", "pages", "posts", "seconds"}
PAGES = {"ok", "gone", "blocked", "format_changed", "unknown"}
PITCH = "专业代办停息挂账，协商个性化分期60期，不成功不收费，加微信 zhaiwu888 咨询，逾期多久都可以处理，全国可做。"
CHAT = "周末和家人去郊外爬山，山顶的风很大，大家一起拍了许多照片，下山以后在农家乐吃了一顿热乎乎的午饭。" * 2


def article(number: int, text: str) -> str:
    body = f"<article><h1>帖子{number}</h1><p>{text}</p></article>"
    return f"<html><head><title>帖子{number}</title></head><body>{body}</body></html>"


def serve(site: Site, *texts: str) -> None:
    links = "".join(f'<li><a href="/t/{number}">帖子{number}</a></li>' for number in range(len(texts)))
    site.put("/", f"<html><body><h1>论坛</h1><ul>{links}</ul></body></html>")
    for number, text in enumerate(texts):
        site.put(f"/t/{number}", article(number, text))


def watch(root: Path, site: Site) -> None:
    where = f"base_url: {site.url}, start: [/], article: ^/t/, private: true, budget: {{delay_seconds: 0}}"
    (root / "watch.yml").write_text(f"sources: [{{name: forum, platform: web, access: open, {where}}}]", "utf-8")


def typed(root: Path, *words: object, by: str = "compliance") -> Answer:
    return call(*words, "--data", root, "--as", by, "--json")


def done(root: Path, *words: object, by: str = "compliance") -> dict[str, Any]:
    answer = typed(root, *words, by=by)
    assert answer.code == 0, (words, answer.err)
    return answer.obj


def test_a_crawl_answers_with_its_runs(workspace: Path, site: Site) -> None:
    serve(site, PITCH, CHAT)
    watch(workspace, site)
    answer = done(workspace, "crawl", "forum")
    assert set(answer) == {"runs", "problems"}
    (run,) = answer["runs"]
    assert set(run) == RUN
    assert set(run["pages"]) == PAGES
    assert (run["source"], run["state"], run["resumed"]) == ("forum", "finished", False)
    assert run["posts"] == {"new": 2, "changed": 0, "seen": 0}
    assert done(workspace, "crawl", "forum")["runs"][0]["posts"]["new"] == 0
    posts = typed(workspace, "posts", "list").lines
    assert {post["native_id"] for post in posts} == {f"{site.url}/t/0", f"{site.url}/t/1"}


def test_an_unknown_source_among_others_starts_none(workspace: Path, site: Site) -> None:
    serve(site, PITCH)
    watch(workspace, site)
    answer = typed(workspace, "crawl", "forum", "none")
    assert (answer.code, answer.problem["code"]) == (2, "unknown_source")
    assert site.requests == []


def test_a_blocked_source_is_a_problem_and_the_object_stands(workspace: Path, site: Site) -> None:
    serve(site, PITCH)
    site.pages["/"] = Page(status=403, body="<title>Access denied</title>")
    watch(workspace, site)
    answer = typed(workspace, "crawl")
    assert answer.code == 1
    assert answer.obj["runs"][0]["state"] == "blocked"
    assert answer.problem["code"] == "blocked"
    assert answer.err.startswith("blocked: ")


def test_a_spent_budget_is_no_problem_and_the_next_crawl_goes_on(workspace: Path, site: Site) -> None:
    serve(site, *[f"{CHAT}{number}" for number in range(6)])
    watch(workspace, site)
    path = workspace / "watch.yml"
    path.write_text(
        path.read_text("utf-8").replace("delay_seconds: 0", "delay_seconds: 0, pages_per_run: 3"), "utf-8"
    )
    first = done(workspace, "crawl")["runs"][0]
    assert (first["state"], first["resumed"]) == ("budget", False)
    again = done(workspace, "crawl")["runs"][0]
    assert again["resumed"] is True
    assert first["posts"]["new"] + again["posts"]["new"] > 3


def test_an_interrupted_crawl_says_so_and_is_taken_up_again(workspace: Path, site: Site) -> None:
    serve(site, *[f"{CHAT}{number}" for number in range(40)])
    for number in range(40):
        site.put(f"/t/{number}", article(number, f"{CHAT}{number}"), delay_seconds=0.05)
    watch(workspace, site)
    with started("crawl", "--data", workspace, "--json") as child:
        until = time.monotonic() + 60
        while len(site.requests) < 6:
            assert time.monotonic() < until
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        told, message = child.communicate(timeout=60)
    assert (child.returncode, told) == (130, b"")
    assert "interrupted" in message.decode()
    assert "Traceback" not in message.decode()
    asked = len(site.requests)
    time.sleep(0.3)
    assert len(site.requests) <= asked + 2  # the child of the crawl is gone too
    assert done(workspace, "crawl")["runs"][0]["state"] == "finished"
    assert done(workspace, "posts", "count")["posts"] == 40


def test_the_loop_goes_round_by_commands_alone(workspace: Path, site: Site, tmp_path: Path) -> None:
    serve(site, PITCH, CHAT)
    watch(workspace, site)
    stages = typed(workspace, "crawl").obj, done(workspace, "screen-posts"), done(workspace, "cluster")
    assert stages[1]["clues"] == {"new": 1, "updated": 0}
    assert set(stages[1]) == {"screened", "flagged", "unsure", "clear", "clues", "ruleset"}
    assert set(stages[2]) == {"clusters", "members", "queued"}
    assert stages[2]["queued"] == 1
    assert done(workspace, "clues", "decide", "c1", "confirmed", by="compliance")["version"] == 2

    draft = done(workspace, "batch", "draft", "--channel", "partner_desk")
    assert (draft["items"], draft["skipped"]) == (1, [])
    batch = draft["batch"]
    assert done(workspace, "batch", "propose", batch) == {"batch": batch, "state": "proposed", "items": 1}
    assert done(workspace, "batch", "approve", batch, by="senior")["state"] == "approved"
    package = done(workspace, "batch", "export", batch, "-o", tmp_path / "copy.zip")
    assert set(package) == {"batch", "file", "sha256", "size", "struck"}
    assert done(workspace, "verify-package", tmp_path / "copy.zip")["valid"] is True
    shown = done(workspace, "batch", "show", batch)
    assert (
        done(workspace, "batch", "sent", batch, "--at", shown["exported_at"], "--receipt", "R-1")["state"] == "sent"
    )

    site.put("/t/0", "<title>410</title>", status=410)
    with (tmp_path / "reply.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["item", "url", "result", "note"])
        rows.writerow([shown["contents"][0]["item"], "", "content_removed", ""])
        rows.writerow(["i999", "", "content_removed", ""])
    reply = done(workspace, "replies", "import", tmp_path / "reply.csv", "--channel", "partner_desk")
    assert reply == {
        "rows": 2,
        "matched": 1,
        "unmatched": [{"row": 3, "item": "i999", "url": None}],
        "conflicts": [],
        "changed": 1,
    }
    seen = done(workspace, "recheck", "--all")
    assert (seen["probed"], seen["observations"]) == (1, {"content_removed": 1})
    (outcome,) = typed(workspace, "outcomes", "list").lines
    assert set(outcome) == {"clue", "item", "batch", "kind", "state", "cause", "at"}
    assert (outcome["kind"], outcome["state"]) == ("content_removed", "provisional")
    rate = done(workspace, "stats")["action_rate"]
    assert (rate["n"], rate["unknown"], rate["worst"], rate["best"]) == (0, 1, 0.0, 1.0)
    assert done(workspace, "audit", "verify")["valid"] is True
    assert typed(workspace, "clues", "undo", "c1").problem["code"] == "bad_state"


def test_run_does_the_stages_in_one_go(workspace: Path, site: Site) -> None:
    (workspace / "qingyuan.toml").write_text("[browser]\nno_sandbox = true\n", "utf-8")
    serve(site, PITCH, CHAT)
    watch(workspace, site)
    answer = done(workspace, "run")
    assert set(answer) >= {"crawl", "screen-posts", "cluster", "capture"}
    assert answer["capture"]["captured"] == 1
    assert (answer["screen-posts"]["screened"] >= 2, answer["cluster"]["queued"]) == (True, 1)
