"""Tables behind the text views, as data; exports only."""

from classifiers.tables.load import Codes, Folding, Shapes, Sounds, load_folding, load_shapes, load_sounds

__all__ = ["Codes", "Folding", "Shapes", "Sounds", "load_folding", "load_shapes", "load_sounds"]
