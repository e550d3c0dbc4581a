/*
 * The load of the server benchmarks: connections to 127.0.0.1:PORT, one thread, one epoll. Where one process has not
 * enough descriptors, each of several is told as FIRST how many connections those before it may have. It is told what to do by
 * lines on standard input, answers each with one line of JSON, and ends with its input. The first thing that is not as
 * it must be (a reset, a wrong byte, more bytes than were asked for) is answered by {"error": ...}, and ends it.
 *
 *   hold N                        opens connections until N are held; they stay open and, until told otherwise, silent
 *   closed ACTIVE                 from now on one message in flight on so many of them, the next when its reply is there
 *   counts PID...                 replies so far, and the CPU seconds that these processes have used, at this moment
 *   stop                          no further message; answered when the last reply is there, or after 10 s without one
 *   open ACTIVE RATE SECONDS      messages due on an even grid over so many, sent when due, whatever came back; latencies
 *   rush N                        opens connections as fast as the server accepts them until N are held, all accepted
 *   slow BYTES LINE CHUNK MS      on one more connection: pipelines lines, reads one chunk each MS until all are back
 *
 * Messages are lines of 20 bytes, each its own: the number of its connection and its number there. Active connections
 * are spread evenly over the held ones.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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

/* A source address serves no more than its ports, and only the first half of them is found quickly. */
static int connected(unsigned number)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (before + number) / PER_SOURCE)};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    struct linger none = {.l_onoff = 1}; /* it ends with a reset, which keeps no port and no entry of a firewall busy */
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

static void hold(unsigned wanted)
{
    make_room(wanted);
    while (held < wanted)
        open_one();
    printf("{\"held\": %u}\n", held);
}

static struct peer *active_one(unsigned slot, unsigned active)
{
    return &peers[(unsigned long long)slot * held / active];
}

static void demand_active(unsigned active)
{
    if (!active || active > held)
        fail("%u active of %u held", active, held);
}

static void transmit(struct peer *peer)
{
    char line[LINE];
    compose(line, peer - peers, peer->sent++);
    if (send(peer->fd, line, LINE, MSG_NOSIGNAL) != LINE)
        fail("connection %td: send: %s", peer - peers, strerror(errno));
    in_flight++;
}

/* Takes what has come, and gives how many replies it completes; each byte must be the one that was sent. */
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

static void start_closed(unsigned active)
{
    demand_active(active);
    closed = 1;
    for (unsigned slot = 0; slot < active; slot++)
        transmit(active_one(slot, active));
    printf("{\"active\": %u}\n", active);
}

static void stop(void)
{
    struct epoll_event events[EVENTS];
    long long deadline = now_ns() + PATIENCE_S * NS;
    closed = 0;
    while (in_flight && now_ns() < deadline) {
        int ready = epoll_wait(epoll, events, EVENTS, 100);
        for (int n = 0; n < ready; n++)
            if (events[n].data.u32 != MOST && receive(&peers[events[n].data.u32]))
                deadline = now_ns() + PATIENCE_S * NS;
    }
    printf("{\"messages\": %lu, \"unanswered\": %u}\n", messages, in_flight);
}

/* How many connections the server has not accepted yet: the kernel tells it as what a listening socket has to read. */
static unsigned queued(void)
{
    char line[256];
    unsigned local, state, waiting, found = 0;
    FILE *sockets = fopen("/proc/net/tcp", "r"); /* those that listen come first */
    if (!sockets || !fgets(line, sizeof line, sockets))
        fail("/proc/net/tcp: %s", strerror(errno));
    while (fgets(line, sizeof line, sockets)) {
        if (sscanf(line, " %*d: %*8X:%X %*8X:%*X %X %*X:%X", &local, &state, &waiting) != 3 || state != LISTENS)
            break;
        if (local == port) {
            fclose(sockets);
            return waiting;
        }
        found++;
    }
    fail("none of %u sockets listens on port %u", found, port);
    return 0;
}

/* Looks at the queue at each LOOK connections: one that a backlog can't hold would wait for a second. */
static void rush(unsigned wanted)
{
    enum { LOOK = 100, MOST_QUEUED = 500 };
    unsigned first = held;
    long long began = now_ns(), deadline = began + PATIENCE_S * NS;
    make_room(wanted);
    while (held < wanted) {
        open_one();
        while ((held - first) % LOOK == 0 && queued() > MOST_QUEUED && now_ns() < deadline)
            sched_yield();
    }
    long long ended;
    do { /* the last of a handshake may be on its way for a moment, and the queue empty before it comes */
        while (queued() && now_ns() < deadline)
            sched_yield();
        ended = now_ns();
        usleep(5000);
    } while (queued() && now_ns() < deadline);
    printf("{\"held\": %u, \"queued\": %u, \"seconds\": %.6f}\n", held, queued(), (ended - began) / 1e9);
}

static void counts(char *pids)
{
    double cpu_s = 0;
    for (char *word = strtok(pids, " \n"); word; word = strtok(NULL, " \n")) {
        clockid_t clock;
        struct timespec t;
        if (clock_getcpuclockid(atoi(word), &clock) || clock_gettime(clock, &t))
            fail("process %s has ended", word);
        cpu_s += t.tv_sec + t.tv_nsec / 1e9;
    }
    printf("{\"now\": %.9f, \"messages\": %lu, \"cpu_s\": %.9f}\n", now_ns() / 1e9, messages, cpu_s);
}

static int ascending(const void *one, const void *other)
{
    long long a = *(const long long *)one, b = *(const long long *)other;
    return (a > b) - (a < b);
}

static void tell(const char *name, long long *ns, unsigned size)
{
    static const struct { const char *key; double share; } SHARES[] = {
        {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99_9", 0.999}, {"max", 1.0},
    };
    qsort(ns, size, sizeof *ns, ascending);
    printf("\"%s\": {", name);
    for (unsigned n = 0; n < sizeof SHARES / sizeof *SHARES; n++) {
        unsigned rank = SHARES[n].share * size;
        printf("%s\"%s\": %.1f", n ? ", " : "", SHARES[n].key, ns[rank < size ? rank : size - 1] / 1e3);
    }
    printf("}");
}

/* An open loop: message i is due i * apart ns after the start, on the active connection i modulo `active`. */
static struct {
    long long start;
    double apart;
    unsigned active, total, sent, got;
    long long *from_due, *from_sent, *late; /* ns: to the reply; from due to sending it */
} run;

static long long due(unsigned message)
{
    return run.start + (long long)(message * run.apart);
}

static void send_what_is_due(void)
{
    for (long long now; run.sent < run.total && due(run.sent) <= (now = now_ns());) {
        transmit(active_one(run.sent % run.active, run.active));
        run.late[run.sent] = now - due(run.sent);
        run.sent++;
    }
}

static void wait_for_replies(void)
{
    struct epoll_event events[EVENTS];
    long long wait = run.sent < run.total ? due(run.sent) - now_ns() : NS / 10;
    struct timespec timeout = {.tv_nsec = wait < 0 ? 0 : wait < NS / 10 ? wait : NS / 10};
    struct pollfd any = {.fd = epoll, .events = POLLIN}; /* epoll_wait itself knows no time below a millisecond */
    int ready = ppoll(&any, 1, &timeout, NULL) > 0 ? epoll_wait(epoll, events, EVENTS, 0) : 0;
    for (int n = 0; n < ready; n++) {
        if (events[n].data.u32 == MOST)
            fail("told something else in the middle of an open loop");
        struct peer *peer = &peers[events[n].data.u32];
        unsigned message = peer->slot + (peer->back / LINE - peer->first) * run.active;
        long long now = now_ns();
        for (unsigned whole = receive(peer); whole; whole--, message += run.active, run.got++) {
            run.from_due[run.got] = now - due(message);
            run.from_sent[run.got] = run.from_due[run.got] - run.late[message];
        }
    }
}

static void open_loop(unsigned active, double rate, double seconds)
{
    demand_active(active);
    run.start = now_ns() + NS / 1000;
    run.apart = NS / rate;
    run.active = active;
    run.total = rate * seconds;
    run.sent = run.got = 0;
    if (!run.total)
        fail("no message is due in %g s at %g a second", seconds, rate);
    for (int n = 0; n < 3; n++) {
        long long **samples = (long long **[]){&run.from_due, &run.from_sent, &run.late}[n];
        *samples = realloc(*samples, run.total * sizeof **samples);
    }
    for (unsigned slot = 0; slot < active; slot++) {
        active_one(slot, active)->first = active_one(slot, active)->sent;
        active_one(slot, active)->slot = slot;
    }
    while (run.got < run.total && now_ns() < due(run.total) + PATIENCE_S * NS) {
        send_what_is_due();
        wait_for_replies();
    }
    if (!run.got)
        fail("no reply in %g s", seconds + PATIENCE_S);
    printf("{\"due\": %u, \"answered\": %u, ", run.total, run.got);
    tell("due_us", run.from_due, run.got);
    printf(", ");
    tell("sent_us", run.from_sent, run.got);
    printf(", ");
    tell("late_us", run.late, run.sent);
    printf("}\n");
}

/* What is read is held against a copy of what was sent; it repeats itself with each line. */
static void slow(unsigned long long total, unsigned line, unsigned chunk, unsigned every_ms)
{
    if (!line || line > BUFFER || !chunk || chunk > BUFFER)
        fail("a line or a chunk has 1 to %d bytes", BUFFER);
    unsigned size = BUFFER / line * line + BUFFER;
    char *text = malloc(size), *copy = buffer;
    for (unsigned n = 0; n < size; n++)
        text[n] = n % line == line - 1 ? '\n' : 'a' + n % line % 26;
    unsigned long long sent = 0, got = 0;
    long long began = now_ns(), next = began, last = began, every = every_ms * (NS / 1000);
    int fd = connected(held);
    total -= total % line;
    while (got < total) {
        long long now = now_ns(), wait = next - now;
        struct timespec timeout = {.tv_sec = wait < 0 ? 0 : wait / NS, .tv_nsec = wait < 0 ? 0 : wait % NS};
        struct pollfd writable = {.fd = fd, .events = sent < total ? POLLOUT : 0};
        if (ppoll(&writable, 1, &timeout, NULL) > 0 && writable.revents & POLLOUT) {
            unsigned at = sent % line, most = size - at < BUFFER ? size - at : BUFFER;
            ssize_t done = send(fd, text + at, total - sent < most ? total - sent : most, MSG_NOSIGNAL);
            if (done < 0 && errno != EAGAIN)
                fail("the slow reader: send: %s", strerror(errno));
            sent += done > 0 ? done : 0;
        }
        if ((now = now_ns()) < next)
            continue;
        next += every;
        ssize_t came = recv(fd, copy, chunk, 0);
        if (came == 0 || (came < 0 && errno != EAGAIN))
            fail("the slow reader: %s after %llu bytes", came ? strerror(errno) : "closed by the server", got);
        if (came < 0 && now - last > PATIENCE_S * NS)
            fail("the slow reader: nothing came for %d s after %llu bytes", PATIENCE_S, got);
        if (came < 0)
            continue;
        last = now;
        if (memcmp(copy, text + got % line, came))
            fail("the slow reader: wrong bytes after %llu", got);
        got += came;
    }
    close(fd);
    free(text);
    printf("{\"bytes\": %llu, \"seconds\": %.3f}\n", got, (now_ns() - began) / 1e9);
}

static void obey(char *command)
{
    unsigned one, three, four;
    unsigned long long many;
    double rate, seconds;
    if (sscanf(command, "hold %u", &one) == 1)
        hold(one);
    else if (sscanf(command, "closed %u", &one) == 1)
        start_closed(one);
    else if (sscanf(command, "rush %u", &one) == 1)
        rush(one);
    else if (!strncmp(command, "counts", 6))
        counts(command + 6);
    else if (!strncmp(command, "stop", 4))
        stop();
    else if (sscanf(command, "open %u %lf %lf", &one, &rate, &seconds) == 3)
        open_loop(one, rate, seconds);
    else if (sscanf(command, "slow %llu %u %u %u", &many, &one, &three, &four) == 4)
        slow(many, one, three, four);
    else
        fail("what is that?");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS], input = {.events = EPOLLIN, .data.u32 = MOST};
    struct rlimit limit;
    char command[4096];
    if (argc < 2 || argc > 3 || !(port = atoi(argv[1])))
        fail("usage: load PORT [FIRST]");
    before = argc == 3 ? atoi(argv[2]) : 0;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    prctl(PR_SET_TIMERSLACK, 1); /* ns: a message is to be sent when it is due */
    epoll = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int n = 0; n < ready; n++) {
            if (events[n].data.u32 != MOST) {
                struct peer *peer = &peers[events[n].data.u32];
                for (unsigned whole = receive(peer); whole && closed; whole--)
                    transmit(peer);
            } else if (fgets(command, sizeof command, stdin))
                obey(command);
            else
                return 0;
        }
    }
}
