"""The spiders, one module per platform."""
