"""The kinds of cells, a file each: its declaration, and the constructors of its layer and cell."""
