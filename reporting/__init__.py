"""The takedown loop: batches, packages, replies, rechecks, outcomes, statistics."""
