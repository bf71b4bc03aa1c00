"""The libraries of the race.

Each module has `make(case, threads)`, a function to be timed or None if it has no such case, and `facts()`, what is to
be known of it. It is imported in a process of its own, so that no library disturbs another's threads.
"""
