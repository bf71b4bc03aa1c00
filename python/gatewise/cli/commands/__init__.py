"""The options and the help of each command; the modules in the folder above do the work."""
