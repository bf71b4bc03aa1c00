"""The kinds of cells, one per file: the declaration, and the layer and cell with their constructors."""
