"""One module per file format, listed in ``registry.FORMATS``.

Each has ``read(path) -> Contents`` and, if its format is writable, ``write(contents, path) -> Report``.
"""
