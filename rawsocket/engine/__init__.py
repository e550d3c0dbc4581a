"""Connections on one epoll inside gevent's hub: reactor, deadlines, connect, send, receive."""
