"""Records, tables and everything that outlives a process: the hand-over between all stages."""
