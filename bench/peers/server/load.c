/*
 * The load client of bench-server: connections to 127.0.0.1:PORT, one thread, one epoll. If one process has too few
 * descriptors, several share the connections: FIRST is the number of connections before those of this one. It reads
 * commands, one a line, from standard input, answers each with one line of JSON, and ends with its input. The first
 * thing that is wrong (a reset, a wrong byte, more bytes than were asked for) is answered with {"error": ...} and ends it.
 *
 *   hold N                        opens connections until N are held; they stay open, and silent until another command
 *   closed ACTIVE                 from now on one message in flight on so many, the next one when its reply has come
 *   counts PID...                 the replies so far, and the CPU seconds that these processes have used, at one moment
 *   stop                          sends no more; answered when the last reply has come, or after 10 s without one
 *   open ACTIVE RATE SECONDS      messages due on an even grid over so many, sent when due, without waiting; latencies
 *   rush N                        opens connections as fast as the server accepts them, until N are held and accepted
 *   slow BYTES LINE CHUNK MS      on one more connection: pipelines lines, reads one chunk each MS until all are back
 *
 * Active connections are spread evenly over the held ones.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "load_connection.h"

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

/* How many connections the server has not accepted yet: for the kernel, what a listening socket has to read. */
static unsigned queued(void)
{
    char line[256];
    unsigned local, state, waiting, found = 0;
    FILE *sockets = fopen("/proc/net/tcp", "r"); /* the listening ones come first */
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

/* Checks the queue after each LOOK connections: one that the backlog can't hold would wait for a second. */
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
    do { /* the last handshake may still be under way, with the queue empty before it ends */
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

static void print_shares(const char *name, long long *ns, unsigned size)
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

static void send_due(void)
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
    struct pollfd any = {.fd = epoll, .events = POLLIN}; /* epoll_wait has no timeout below a millisecond */
    int ready = ppoll(&any, 1, &timeout, NULL) > 0 ? epoll_wait(epoll, events, EVENTS, 0) : 0;
    for (int n = 0; n < ready; n++) {
        if (events[n].data.u32 == MOST)
            fail("a command during an open loop");
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
        send_due();
        wait_for_replies();
    }
    if (!run.got)
        fail("no reply in %g s", seconds + PATIENCE_S);
    printf("{\"due\": %u, \"answered\": %u, ", run.total, run.got);
    print_shares("due_us", run.from_due, run.got);
    printf(", ");
    print_shares("sent_us", run.from_sent, run.got);
    printf(", ");
    print_shares("late_us", run.late, run.sent);
    printf("}\n");
}

/* Received data are compared with a copy of what was sent, which repeats with each line. */
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

static void run_command(char *command)
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
        fail("unknown command");
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
    prctl(PR_SET_TIMERSLACK, 1); /* ns: so that messages are sent when due */
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
                run_command(command);
            else
                return 0;
        }
    }
}
