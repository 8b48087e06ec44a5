"""Schema history; one data test per revision stands in tests/storage/test_migrations.py."""
