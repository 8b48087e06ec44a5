"""The third demo platform: short notes behind a sign-in, shown by a single-page application."""
