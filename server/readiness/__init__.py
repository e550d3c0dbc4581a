"""One thread that waits for all of its sockets at once: pollers, the loop, connections, and accepting."""
