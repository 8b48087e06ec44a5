"""Automatic ways out of the house: mail, shared folder, signed HTTP. Each is switched on per channel."""
