"""Writers of the files of a package; each takes rows and returns bytes or writes one file."""
