"""The implementation of layers, cells and streams. Private: import the public names from ``gatewise``."""
