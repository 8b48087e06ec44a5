"""The plain statistical baseline: character n-grams, TF-IDF and logistic regression, fitted on labelled texts.

It knows no term, no voice and no contact, and gives no reason. scikit-learn is a library of the developers' set-up;
nothing but the comparison of ``evaluate --baselines`` needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# A usual choice for short texts with normalised TF-IDF; it was not tuned on any set.
INVERSE_RIDGE = 10.0


class OneClassError(ValueError):
    """The labelled rows are all of one class, so nothing can be learned from them."""

    def __init__(self) -> None:
        """Say what is needed."""
        super().__init__("a model needs clues and rows that are none")


def fit_ngrams(texts: Sequence[str], are_clues: Sequence[bool]) -> Callable[[Sequence[str]], list[bool]]:
    """Return a judge of texts: whether each is more likely a clue than not.

    Raises:
        OneClassError: there are only clues, or none.
    """
    if len(set(are_clues)) < len((True, False)):
        raise OneClassError
    model = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True),
        LogisticRegression(C=INVERSE_RIDGE, class_weight="balanced", max_iter=1000),
    )
    model.fit(list(texts), [int(is_clue) for is_clue in are_clues])
    return lambda asked: [bool(found) for found in model.predict(list(asked))]
