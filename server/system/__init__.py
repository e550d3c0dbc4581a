"""What the operating system gives the server: sockets, signals, descriptor limits, /proc, errno values."""
