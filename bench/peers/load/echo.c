/*
 * The target of the benchmarks: echoes bytes on 127.0.0.1, one thread, one epoll, level-triggered; it must not be the
 * bottleneck. It prints its port, then answers each line on standard input with one line of JSON. It ends with its
 * input, so it can't outlive the process that started it. `echo_server.py` is the same in Python, for hosts without a compiler.
 *
 *   counts  the counts since the start; `now` is CLOCK_MONOTONIC; a message is a "\n"
 *   mark    the same, and measures the longest silence from here on
 *   bins    accepts and messages in bins of 10 ms from the first accept on
 *
 * Silence: the longest time without any event from the clients (connect, byte, close).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, ACCEPTS = 64, BUFFER = 65536, BIN_US = 10000, BINS = 60000 }; /* bins: ten minutes */

static unsigned accepts_in[BINS], messages_in[BINS];
static unsigned long accepted, closed, messages;
static long first_us = -1, last_us, silence_us;

static long now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

static void count(unsigned *bins, long now, unsigned n)
{
    long bin = (now - first_us) / BIN_US;
    if (bin < BINS)
        bins[bin] += n;
}

static void hear(long now)
{
    if (first_us < 0)
        first_us = now;
    else if (now - last_us > silence_us)
        silence_us = now - last_us;
    last_us = now;
}

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 65535))
        return -1;
    getsockname(fd, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void accept_some(int epoll, int listener)
{
    for (int n = 0; n < ACCEPTS; n++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        watch(epoll, fd);
        accepted++;
        count(accepts_in, now_us(), 1);
    }
}

/* Waits a short time for a peer that does not read; with one message in flight each that never happens. */
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

static void echo(int fd, long now)
{
    static char buffer[BUFFER];
    ssize_t size = recv(fd, buffer, sizeof buffer, 0);
    if (size < 0 && errno == EAGAIN)
        return;
    unsigned lines = 0;
    for (const char *at = buffer, *end = buffer + size; size > 0 && (at = memchr(at, '\n', end - at)); at++)
        lines++;
    messages += lines;
    count(messages_in, now, lines);
    if (size <= 0 || !send_all(fd, buffer, size)) {
        close(fd);
        closed++;
    }
}

static void print_bins(const char *name, const unsigned *bins, long size)
{
    printf(", \"%s\": [", name);
    for (long n = 0; n < size; n++)
        printf(n ? ",%u" : "%u", bins[n]);
    printf("]");
}

static void answer(const char *command)
{
    long now = now_us(), size = first_us < 0 ? 0 : (now - first_us) / BIN_US + 1;
    printf("{\"now\": %.6f, \"accepted\": %lu, \"closed\": %lu, \"messages\": %lu, \"silence\": %.6f, \"first\": %.6f",
           now / 1e6, accepted, closed, messages, silence_us / 1e6, first_us / 1e6);
    if (strstr(command, "bins")) {
        print_bins("accepts_in", accepts_in, size < BINS ? size : BINS);
        print_bins("messages_in", messages_in, size < BINS ? size : BINS);
    }
    printf("}\n");
    fflush(stdout);
    if (strstr(command, "mark"))
        silence_us = 0;
}

int main(void)
{
    struct epoll_event events[EVENTS];
    struct rlimit limit;
    char command[64];
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int epoll = epoll_create1(EPOLL_CLOEXEC), listener = listen_on_loopback();
    if (listener < 0) {
        perror("echo");
        return 1;
    }
    watch(epoll, listener);
    watch(epoll, STDIN_FILENO);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        long now = now_us();
        int heard = 0;
        for (int n = 0; n < ready; n++)
            heard |= events[n].data.fd != STDIN_FILENO;
        if (heard)
            hear(now);
        for (int n = 0; n < ready; n++) {
            int fd = events[n].data.fd;
            if (fd == listener)
                accept_some(epoll, listener);
            else if (fd != STDIN_FILENO)
                echo(fd, now);
            else if (fgets(command, sizeof command, stdin))
                answer(command);
            else
                return 0;
        }
    }
}
