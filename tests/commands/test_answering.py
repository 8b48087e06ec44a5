"""Chunks of raw lines in, answer lines out: what a worker of `screen` does."""

from __future__ import annotations

import json

from commands.answering import Answers, Chunk, answer_chunk, failed_answer
from tests.classifiers.test_judging import POISON, poisoned
from tests.support.screening import PITCH


def post(number: int, text: str, **more: object) -> bytes:
    return json.dumps({"id": str(number), "text": text, **more}, ensure_ascii=False).encode()


def read(answers: Answers) -> list[dict[str, object]]:
    assert answers.text.endswith(b"\n")
    return [json.loads(line) for line in answers.text.decode().splitlines()]


def test_a_line_that_outlasts_its_budget_is_failed_and_the_others_are_judged() -> None:
    chunk = Chunk(11, (post(1, PITCH), post(2, POISON), b"broken", post(4, PITCH, note="x")))
    answers = answer_chunk(chunk, poisoned())
    first, failed, broken, last = read(answers)
    assert first["flagged"]
    assert last["flagged"]
    assert (failed["id"], failed["line"]) == ("2", 12)
    error = failed["error"]
    assert isinstance(error, dict)
    assert error["code"] == "failed"
    assert "processor time" in error["message"]
    assert broken["line"] == 13
    assert answers.problem is not None
    assert (answers.problem["code"], answers.problem["line"]) == ("failed", 12)
    assert answers.unknown_keys == ("note",)


def test_the_line_that_killed_its_process_keeps_its_id() -> None:
    (answer,) = read(failed_answer(Chunk(5, (post(7, PITCH),)), "it was killed"))
    assert answer == {"id": "7", "line": 5, "error": {"code": "failed", "message": "it was killed"}}
    (answer,) = read(failed_answer(Chunk(6, (b"broken",)), "it was killed"))
    assert answer == {"line": 6, "error": {"code": "failed", "message": "it was killed"}}
