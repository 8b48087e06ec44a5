"""Ten times the clues in an export take no more memory to speak of; 1,205 are measured by ``benchmarks``."""

from __future__ import annotations

from benchmarks.packages import measure


def test_memory_of_an_export_is_flat_and_its_bytes_come_again() -> None:
    few, many = measure(8, pdf=False), measure(80, pdf=False)
    for found in (few, many):
        assert found["same"]
        assert found["verified"]
    assert many["members"] > 200
    assert many["peak_mb"] <= 1.2 * few["peak_mb"]
