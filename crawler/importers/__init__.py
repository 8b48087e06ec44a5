"""Readers of files handed over; they need no network."""
