"""Files and the optional libraries that read them."""
