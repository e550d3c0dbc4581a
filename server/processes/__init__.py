"""Several processes behind one port: the parent, its children, and the channels between them."""
