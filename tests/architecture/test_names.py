"""Our names at the top of the import path are ours alone."""

from __future__ import annotations

from importlib.metadata import packages_distributions

import pytest

from tests.support import tree


@pytest.mark.parametrize("name", [*tree.OWN_NAMES, "tests", "benchmarks"])
def test_no_other_distribution_has_our_name(name: str) -> None:
    """An editable install lists nothing here; the run from the wheel looks for ours."""
    assert set(packages_distributions().get(name, [])) <= {"qingyuan"}
