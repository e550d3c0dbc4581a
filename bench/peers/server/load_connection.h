/*
 * The connections of the load client: opened, sent on, received on. Messages are lines of 20 bytes, each different: the
 * number of the connection and the number of the message on it. Each byte of a reply is checked.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000LL
enum { LINE = 20, EVENTS = 1024, BUFFER = 65536, PER_SOURCE = 10000, MOST = 1 << 20, PATIENCE_S = 10, LISTENS = 10 };

struct peer {
    int fd;
    unsigned sent;           /* messages */
    unsigned long long back; /* bytes of replies */
    unsigned slot, first;    /* in an open loop: its place among the active, and the number of its first message */
};

static struct peer *peers;
static unsigned held, in_flight, port, before;
static unsigned long messages;
static int epoll, closed;
static char buffer[BUFFER];

static void fail(const char *form, ...)
{
    va_list arguments;
    va_start(arguments, form);
    printf("{\"error\": \"");
    vprintf(form, arguments);
    printf("\"}\n");
    exit(1);
}

static long long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS + t.tv_nsec;
}

static void hex(char *out, int digits, unsigned long value)
{
    for (; digits--; value >>= 4)
        out[digits] = "0123456789abcdef"[value & 15];
}

static void compose(char *line, unsigned peer, unsigned number)
{
    hex(line, 8, peer);
    line[8] = ' ';
    hex(line + 9, 10, number);
    line[LINE - 1] = '\n';
}

/* A source address has only so many ports, and the kernel finds only the first half of them quickly. */
static int connected(unsigned number)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (before + number) / PER_SOURCE)};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    struct linger none = {.l_onoff = 1}; /* close with a reset, which leaves no port and no firewall entry in use */
    if (fd < 0)
        fail("socket: %s", strerror(errno));
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) || connect(fd, (struct sockaddr *)&to, sizeof to))
        fail("connection %u: %s", number, strerror(errno));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void make_room(unsigned wanted)
{
    if (wanted > MOST || !(peers = realloc(peers, (wanted + 1) * sizeof *peers)))
        fail("%u connections are too many", wanted);
}

static void open_one(void)
{
    peers[held] = (struct peer){.fd = connected(held)};
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = held};
    epoll_ctl(epoll, EPOLL_CTL_ADD, peers[held].fd, &event);
    held++;
}

static void transmit(struct peer *peer)
{
    char line[LINE];
    compose(line, peer - peers, peer->sent++);
    if (send(peer->fd, line, LINE, MSG_NOSIGNAL) != LINE)
        fail("connection %td: send: %s", peer - peers, strerror(errno));
    in_flight++;
}

/* Receives data, and gives how many replies they complete; each byte must be the one that was sent. */
static unsigned receive(struct peer *peer)
{
    ssize_t left = recv(peer->fd, buffer, BUFFER, 0);
    unsigned whole = 0;
    if (left < 0 && errno == EAGAIN)
        return 0;
    if (left <= 0)
        fail("connection %td: %s", peer - peers, left ? strerror(errno) : "closed by the server");
    for (const char *data = buffer; left > 0;) {
        char expected[LINE];
        unsigned number = peer->back / LINE, at = peer->back % LINE, part = LINE - at;
        if (part > left)
            part = left;
        if (number >= peer->sent)
            fail("connection %td: more came back than was sent", peer - peers);
        compose(expected, peer - peers, number);
        if (memcmp(expected + at, data, part))
            fail("connection %td: the reply to message %u is wrong", peer - peers, number);
        peer->back += part;
        data += part;
        left -= part;
        whole += at + part == LINE;
    }
    messages += whole;
    in_flight -= whole;
    return whole;
}
