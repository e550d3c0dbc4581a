/*
 * The simplest correct echo servers in C, as peers of bench-server: one thread, level-triggered; data are sent back at
 * once. `plain select` or `plain epoll`; the first line on standard error is the address.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, BUFFER = 65536, BACKLOG = 1024 };

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, BACKLOG))
        return -1;
    getsockname(fd, (struct sockaddr *)&address, &size);
    fprintf(stderr, "listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    return fd;
}

/* Waits for a peer that does not read: simple, and correct for peers that do read. */
static int send_all(int fd, const char *data, ssize_t left)
{
    while (left > 0) {
        ssize_t sent = send(fd, data, left, MSG_NOSIGNAL);
        if (sent < 0) {
            struct pollfd writable = {.fd = fd, .events = POLLOUT};
            if (errno != EAGAIN || poll(&writable, 1, 1000) < 1)
                return 0;
            continue;
        }
        data += sent;
        left -= sent;
    }
    return 1;
}

/* Gives 0 when the connection has ended. */
static int echo(int fd)
{
    static char buffer[BUFFER];
    ssize_t size = recv(fd, buffer, sizeof buffer, 0);
    if (size < 0 && errno == EAGAIN)
        return 1;
    if (size > 0 && send_all(fd, buffer, size))
        return 1;
    close(fd);
    return 0;
}

static void serve_by_select(int listener)
{
    fd_set watched, ready;
    int highest = listener;
    FD_ZERO(&watched);
    FD_SET(listener, &watched);
    for (;;) {
        ready = watched;
        if (select(highest + 1, &ready, NULL, NULL, NULL) < 1)
            continue;
        for (int fd = 0; fd <= highest; fd++) {
            if (!FD_ISSET(fd, &ready))
                continue;
            if (fd != listener) {
                if (!echo(fd))
                    FD_CLR(fd, &watched);
                continue;
            }
            for (int peer; (peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
                if (peer >= FD_SETSIZE) {
                    close(peer);
                    continue;
                }
                FD_SET(peer, &watched);
                highest = peer > highest ? peer : highest;
            }
        }
    }
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void serve_by_epoll(int listener)
{
    struct epoll_event events[EVENTS];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(epoll, listener);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int n = 0; n < ready; n++) {
            if (events[n].data.fd != listener) {
                echo(events[n].data.fd);
                continue;
            }
            for (int peer; (peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;)
                watch(epoll, peer);
        }
    }
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int listener = listen_on_loopback();
    if (listener < 0 || argc != 2) {
        perror("usage: plain select|epoll");
        return 1;
    }
    (strcmp(argv[1], "select") ? serve_by_epoll : serve_by_select)(listener);
}
