"""The embedded demo platforms and the players that show the whole loop."""
