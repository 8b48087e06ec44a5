"""Judging texts: views with offsets, lexicon, fuzzy matching, contacts, voice, score, clusters."""
