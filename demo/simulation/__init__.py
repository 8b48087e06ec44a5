"""The proof of the loop: a seeded platform world that drives the real commands on a moved clock."""
