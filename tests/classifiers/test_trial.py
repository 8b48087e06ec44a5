"""What a change would do to many posts, counted in flat memory with samples."""

from __future__ import annotations

from classifiers.comparison import ChangeKind
from classifiers.engine import screen_post
from classifiers.records import PostText
from classifiers.trial import Trial
from tests.support.screening import CHAT, PITCH, lets_all_through, shipped


def add(trial: Trial, name: str, text: str) -> None:
    post = PostText(id=name, text=text)
    trial.add(post, screen_post(post, shipped()), screen_post(post, lets_all_through()))


def test_posts_that_change_are_counted_with_samples() -> None:
    trial = Trial()
    for number in range(3):
        add(trial, f"p{number}", PITCH)
        add(trial, f"c{number}", CHAT)
    assert trial.posts == 6
    assert trial.counts()[ChangeKind.NEWLY_CLEARED] == 3
    assert trial.counts()[ChangeKind.NEWLY_FLAGGED] == 0
    samples = trial.samples()["newly_cleared"]
    assert [one["post"] for one in samples] == ["p0", "p1", "p2"]
    assert samples[0]["before"]["flagged"]  # type: ignore[index]  # a row of the sample
    assert not samples[0]["after"]["flagged"]  # type: ignore[index]  # as above


def test_samples_are_few_and_do_not_depend_on_the_order() -> None:
    kept = []
    for numbers in (range(60), reversed(range(60))):
        trial = Trial(most=5)
        for number in numbers:
            add(trial, f"p{number}", PITCH)
        kept.append([one["post"] for one in trial.samples()["newly_cleared"]])
        assert trial.counts()[ChangeKind.NEWLY_CLEARED] == 60
    assert kept[0] == kept[1]
    assert len(kept[0]) == 5
