"""The three axes of design §3 and the batch: transition tables and pure functions, nothing else."""
