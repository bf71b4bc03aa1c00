"""What layers, cells and streams are made of. Private: import the public names from ``gatewise``."""
