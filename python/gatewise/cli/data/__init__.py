"""The data of ``gatewise fit``, ``predict`` and ``evaluate``: sequences in CSV and NPZ files."""
