"""The libraries of the race, one module each.

`make(case, threads)` returns the function to be timed, or None if the library does not support the case. `facts()`
returns the library's version. Each module is imported in its own process, so that no library affects another's threads.
"""
