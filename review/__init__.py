"""The analysts' desk: a server-rendered web application."""
