"""Time that hostile texts take, beside an ordinary post: per character, and as the text doubles.

Work is counted in tests/classifiers/test_bounded_cost.py; here is the clock. The cost of a character of an ordinary
post is 1.00; no shape may take more than 20, and none may take more than 2.5 times as long when it doubles: the
growth from the shortest to the longest text, per doubling.
"""

from __future__ import annotations

import statistics
import time

from benchmarks._hostile import NORMAL, OFFER, SHAPES, rules
from classifiers.engine import screen_post
from classifiers.records import CommentText, PostText

REPEATS = 5
LENGTHS = (5_000, 10_000, 20_000)
DOUBLINGS = 2
COMMENTS = (2_500, 5_000, 10_000)
MOST_COST, MOST_GROWTH = 20, 2.5
# So that the whole way is gone, beyond the search for terms.
TOPIC = "\n信用卡逾期"


def seconds(post: PostText) -> float:
    """Return the median of the processor time that judging a post takes."""
    times = []
    for _ in range(REPEATS):
        begin = time.process_time()
        screen_post(post, rules())
        times.append(time.process_time() - begin)
    return statistics.median(times)


def thread(comments: int) -> PostText:
    """Return a post with so many comments of others, every tenth of them an offer."""
    said = tuple(
        CommentText(text="今天天气不错，出去走走" if number % 10 else OFFER, author_name=f"用户{number}")
        for number in range(comments)
    )
    return PostText(id="1", text="我停息挂账被骗了，大家小心", comments=said)


def main() -> None:
    """Print the table."""
    normal = seconds(PostText(id="1", text=NORMAL)) / len(NORMAL)
    print(f"an ordinary post of {len(NORMAL)} characters: {normal * 1e6:.1f} µs a character = 1.00")
    print(f"{'shape':<32}" + "".join(f"{length:>9}" for length in LENGTHS) + "  growth")
    worst = growth = 0.0
    for name, make in SHAPES.items():
        taken = [seconds(PostText(id="1", text=make(length) + TOPIC)) for length in LENGTHS]
        costs = [took / length / normal for took, length in zip(taken, LENGTHS, strict=True)]
        grows = (taken[-1] / taken[0]) ** (1 / DOUBLINGS)
        worst, growth = max(worst, *costs), max(growth, grows)
        print(f"{name:<32}" + "".join(f"{cost:9.2f}" for cost in costs) + f"{grows:8.2f}")
    taken = [seconds(thread(number)) for number in COMMENTS]
    per = [f"{took / number * 1e6:9.1f}" for took, number in zip(taken, COMMENTS, strict=True)]
    print(f"comments {COMMENTS}, µs each: " + "".join(per))
    print(f"worst cost {worst:.2f} (limit {MOST_COST}), worst growth {growth:.2f} (limit {MOST_GROWTH})")


if __name__ == "__main__":
    main()
