"""`qingyuan notify`: off unless set, once for each cause, and at most once whatever is killed."""

from __future__ import annotations

import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.cli import call, shell, started
from tests.support.receivers import http_receiver, mail_receiver

if TYPE_CHECKING:
    from pathlib import Path

BY_MAIL = """
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "qingyuan@example.com"

[notify]
mail_to = ["boss@example.com"]
language = "en"
"""
BY_HOOK = """
[desk]
public_url = "https://desk.example.com"

[notify]
webhook_url = "{url}/send?key=k-1"
webhook_private = true
language = "en"
"""


def set_up(workspace: Path, text: str) -> None:
    (workspace / "qingyuan.toml").write_text(text, "utf-8")


def test_nothing_is_sent_unless_a_way_is_set(busy_workspace: Path) -> None:
    done = call("notify", "--data", busy_workspace, "--json")
    assert (done.code, done.obj["notices"]) == (0, [])
    assert done.obj["standing"] == 1  # the proposed batch
    assert "notices are off" in done.err


def test_a_waiting_batch_is_told_once_by_mail(busy_workspace: Path) -> None:
    with mail_receiver() as mails:
        set_up(busy_workspace, BY_MAIL.format(port=mails.port))
        first = call("notify", "--data", busy_workspace, "--json")
        second = call("notify", "--data", busy_workspace, "--json")
    assert (first.code, second.code) == (0, 0), first.err
    (notice,) = first.obj["notices"]
    assert (notice["kind"], notice["transport"], notice["number"], notice["state"]) == (
        "approval",
        "mail",
        1,
        "sent",
    )
    assert second.obj["notices"] == []
    ((to, raw),) = mails.found
    assert to == ["boss@example.com"]
    assert b"waits for approval" in raw
    assert b"abc_123" not in raw  # nothing of what was crawled


def test_a_webhook_gets_the_link_to_the_desk(busy_workspace: Path) -> None:
    with http_receiver() as posts:
        set_up(busy_workspace, BY_HOOK.format(url=posts.url))
        done = call("notify", "--data", busy_workspace, "--json")
    assert done.code == 0, done.err
    (body,) = posts.bodies()
    assert "https://desk.example.com/" in body["text"]["content"]
    assert posts.found[0][0] == "/send?key=k-1"


def test_the_address_in_the_environment_wins_and_is_not_shown(busy_workspace: Path) -> None:
    with http_receiver() as posts:
        posts.status = 403
        set_up(busy_workspace, BY_HOOK.format(url="http://127.0.0.1:9"))
        told = {"QINGYUAN_WEBHOOK_URL": f"{posts.url}/send?key=canary-key"}
        done = call("notify", "--data", busy_workspace, "--json", env=told)
    assert done.code == 1
    assert len(posts.found) == 1
    assert "canary-key" not in done.out + done.err


def test_a_test_notice_goes_through_everything(busy_workspace: Path) -> None:
    with mail_receiver() as mails, http_receiver() as posts:
        mail, hook = BY_MAIL.format(port=mails.port), BY_HOOK.format(url=posts.url)
        set_up(busy_workspace, hook.replace("[notify]\n", mail.replace('language = "en"\n', "")))
        done = call("notify", "--test", "--data", busy_workspace, "--json")
    assert {one["transport"]: one["state"] for one in done.obj["notices"]} == {"mail": "sent", "webhook": "sent"}
    assert {one["kind"] for one in done.obj["notices"]} == {"test"}


def test_a_dry_run_shows_the_words_and_sends_nothing(busy_workspace: Path) -> None:
    with http_receiver() as posts:
        set_up(busy_workspace, BY_HOOK.format(url=posts.url))
        done = call("notify", "--dry-run", "--data", busy_workspace, "--json")
    (notice,) = done.obj["notices"]
    assert (notice["kind"], notice["through"]) == ("approval", ["webhook"])
    assert "waits for approval" in notice["title"]
    assert posts.found == []


def test_mail_without_a_server_is_a_wrong_setting(busy_workspace: Path) -> None:
    set_up(busy_workspace, '[notify]\nmail_to = ["a@example.com"]\n')
    done = call("notify", "--data", busy_workspace, "--json")
    assert (done.code, done.problem["field"]) == (2, "notify.mail_to")


def test_a_receiver_that_is_down_is_a_named_problem(busy_workspace: Path) -> None:
    with http_receiver() as posts:
        set_up(busy_workspace, BY_HOOK.format(url=posts.url))
    done = call("notify", "--data", busy_workspace, "--json")
    assert (done.code, done.problem["code"], done.obj["notices"][0]["state"]) == (1, "failed", "retry")


def test_killed_while_it_sends_it_never_tells_twice(busy_workspace: Path) -> None:
    with http_receiver(holds=True) as posts:
        set_up(busy_workspace, BY_HOOK.format(url=posts.url))
        with started("notify", "--data", busy_workspace) as child:
            assert posts.came.wait(60)
            child.kill()
            child.wait()
        posts.go_on.set()
        after = shell("notify", "--data", busy_workspace, "--json")
        again = shell("notify", "--data", busy_workspace, "--json")
    assert len(posts.found) == 1
    assert after.code == 1
    assert "interrupted" in after.problem["message"]
    assert (again.code, again.obj["notices"]) == (0, [])


def kill_rounds(workspace: Path, rounds: int, seed: int) -> None:
    """Kill the command at random instants, each time with everything to be told anew."""
    chance = random.Random(seed)
    with http_receiver() as posts:
        set_up(workspace, BY_HOOK.format(url=posts.url))
        for number in range(rounds):
            with closing(sqlite3.connect(workspace / "qingyuan.db")) as db:
                db.execute("DELETE FROM notice")
                db.execute("UPDATE batch SET version = version + 10 WHERE state = 'proposed'")
                db.commit()
            posts.found.clear()
            with started("notify", "--data", workspace) as child:
                time.sleep(chance.uniform(0.2, 1.6))
                child.kill()
                child.wait()
            done = shell("notify", "--data", workspace, "--json")
            with closing(sqlite3.connect(workspace / "qingyuan.db")) as db:
                states = [state for (state,) in db.execute("SELECT state FROM notice")]
            assert len(states) == 1, (number, states)
            if states == ["sent"]:
                assert len(posts.found) == 1, number
            else:
                assert (states, done.code) == (["unknown"], 1), number
                assert len(posts.found) <= 1, number


def test_kills_at_random_instants_never_double(busy_workspace: Path) -> None:
    kill_rounds(busy_workspace, 2, seed=4)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_kills_at_random_instants_never_double(busy_workspace: Path) -> None:
    kill_rounds(busy_workspace, 200, seed=200)


def test_several_calls_at_once_tell_it_once(busy_workspace: Path) -> None:
    with http_receiver() as posts:
        set_up(busy_workspace, BY_HOOK.format(url=posts.url))
        with (
            started("notify", "--data", busy_workspace) as first,
            started("notify", "--data", busy_workspace) as second,
            started("notify", "--data", busy_workspace) as third,
        ):
            codes = Counter(child.wait(60) for child in (first, second, third))
    assert codes == {0: 3}
    assert len(posts.found) == 1
