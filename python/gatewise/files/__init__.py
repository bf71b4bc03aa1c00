"""Reading and writing files: safetensors, CSV tables, atomic writes, file names, optional libraries, errors."""
