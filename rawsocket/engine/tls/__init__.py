"""TLS on the client: its settings, the handshake on the reactor, and a socket that encrypts what a connection sends."""
