// SPDX-License-Identifier: MIT
/*
 * What a program sees of a connection: when its sockets are ready, by every way to ask, and what its calls return.
 *
 *   readiness listener PATH [SCENARIO...]
 *   readiness client PATH
 *
 * The two are the ends of all connections, which each may be started by whatever converts sockets. They keep step over the
 * Unix socket PATH. Each prints a line for each thing that it saw, in the same words for TCP and SMC; lines with # in
 * front tell what the socket was.
 *
 * Nothing here is decided by time alone. Somebody who sleeps while poll() of the same socket says "ready" LATE_SAMPLES
 * times in a row has not been woken; what does not come at all is given up after PATIENCE seconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <linux/tcp.h>

#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

enum { LATE_SAMPLES = 250, SETTLE_SAMPLES = 100, SAMPLE_MS = 20, PATIENCE = 240 };

static void die(const char *what)
{
	fprintf(stderr, "readiness: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void pause_ms(int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- keeping step ---- */

static int control;

static void say(const char *format, ...)
{
	char line[64];
	va_list values;

	va_start(values, format);
	vsnprintf(line, sizeof line, format, values);
	va_end(values);
	if (send(control, line, sizeof line, MSG_NOSIGNAL) != sizeof line)
		die("the other end is gone");
}

static const char *hear(void)
{
	static char line[64];

	if (recv(control, line, sizeof line, MSG_WAITALL) != sizeof line)
		die("the other end is gone");
	return line;
}

/* Waits for the other end to have done its part. */
static void hear_done(void)
{
	if (strcmp(hear(), "done"))
		die("out of step");
}

/* ---- what is printed ---- */

static const char *scenario, *mechanism;

static void tell(const char *format, ...)
{
	va_list values;

	printf("%s, %s: ", scenario, mechanism);
	va_start(values, format);
	vprintf(format, values);
	va_end(values);
	putchar('\n');
	fflush(stdout);
}

static const char *outcome(long result)
{
	static char text[40];

	if (result < 0)
		snprintf(text, sizeof text, "%s", strerrorname_np(errno));
	else
		snprintf(text, sizeof text, "%ld", result);
	return text;
}

static const char *bits_of(int events)
{
	static const struct {
		int bit;
		const char *name;
	} names[] = { { POLLIN, "in" },	    { POLLPRI, "pri" },	  { POLLOUT, "out" },
		      { POLLRDHUP, "rdhup" }, { POLLERR, "err" }, { POLLHUP, "hup" } };
	static char text[48];

	text[0] = '\0';
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (events & names[i].bit)
			sprintf(text + strlen(text), "%s%s", text[0] ? " " : "", names[i].name);
	return text[0] ? text : "nothing";
}

static void tell_kind(int fd)
{
	int domain = 0;
	socklen_t length = sizeof domain;

	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length);
	printf("# %s, %s: %s\n", scenario, mechanism, domain == 43 ? "SMC" : "TCP");
	fflush(stdout);
}

/* ---- asking ---- */

enum mechanism { POLL, SELECT, LEVEL, EDGE, BLOCKING, MECHANISMS };
static const char *const mechanism_names[] = { "poll", "select", "epoll level", "epoll edge", "blocking" };
enum { ALL = POLLIN | POLLPRI | POLLOUT | POLLRDHUP };

static int by_poll(int fd, int wanted, int timeout)
{
	struct pollfd ask = { .fd = fd, .events = (short)wanted };

	return poll(&ask, 1, timeout) > 0 ? ask.revents : 0;
}

static int by_select(int fd, int wanted, struct timeval *timeout)
{
	fd_set in, out, except;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&except);
	if (wanted & (POLLIN | POLLRDHUP))
		FD_SET(fd, &in);
	if (wanted & POLLOUT)
		FD_SET(fd, &out);
	if (wanted & POLLPRI)
		FD_SET(fd, &except);
	if (select(fd + 1, &in, &out, &except, timeout) <= 0)
		return 0;
	return (FD_ISSET(fd, &in) ? POLLIN : 0) | (FD_ISSET(fd, &out) ? POLLOUT : 0) |
	       (FD_ISSET(fd, &except) ? POLLPRI : 0);
}

static int new_epoll(int fd, int wanted, bool edge)
{
	/* the bits of epoll and poll are the same */
	struct epoll_event ask = { .events = (uint32_t)wanted | (edge ? EPOLLET : 0) };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ask) < 0)
		die("epoll");
	return epoll;
}

static int by_epoll(int epoll, int timeout)
{
	struct epoll_event event;

	return epoll_wait(epoll, &event, 1, timeout) > 0 ? (int)event.events : 0;
}

/* What is ready now. */
static int ready(enum mechanism how, int fd)
{
	struct timeval at_once = { 0, 0 };
	int epoll, found;
	char byte;
	ssize_t length;

	switch (how) {
	case POLL:
		return by_poll(fd, ALL, 0);
	case SELECT:
		return by_select(fd, ALL, &at_once);
	case LEVEL:
	case EDGE:
		epoll = new_epoll(fd, ALL, how == EDGE);
		found = by_epoll(epoll, 0);
		close(epoll);
		return found;
	default:
		length = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
		return length == 0 ? POLLIN | POLLRDHUP : length > 0 ? POLLIN : 0;
	}
}

/* The same when these bits are there, or have had time to come; SMC tells the end of a connection in pieces. */
static int settled(enum mechanism how, int fd, int awaited)
{
	if (how == SELECT || how == BLOCKING)
		awaited &= POLLIN;
	for (int i = 0; i < SETTLE_SAMPLES && (ready(how, fd) & awaited) != awaited; i++)
		pause_ms(SAMPLE_MS);
	return ready(how, fd);
}

/* ---- sleeping ---- */

struct sleeper {
	enum mechanism how;
	int fd, epoll, wanted;
	bool is_listener;
	atomic_int tid;
	atomic_bool woken, given_up;
};

static void wake(int signal)
{
	(void)signal;
}

static void *sleep_in_thread(void *argument)
{
	struct sleeper *sleeper = argument;
	bool woken = false;
	char byte;

	atomic_store(&sleeper->tid, (int)syscall(SYS_gettid));
	while (!woken && !atomic_load(&sleeper->given_up))
		switch (sleeper->how) {
		case POLL:
			woken = by_poll(sleeper->fd, sleeper->wanted, -1);
			break;
		case SELECT:
			woken = by_select(sleeper->fd, sleeper->wanted, NULL);
			break;
		case LEVEL:
		case EDGE:
			/* as poll() does, whatever was asked for */
			woken = by_epoll(sleeper->epoll, -1) & (sleeper->wanted | POLLERR | POLLHUP);
			break;
		default:
			/* who waits for a connection sleeps in accept(), which would take it away: that is poll here */
			woken = sleeper->wanted & POLLIN && !sleeper->is_listener ?
					recv(sleeper->fd, &byte, 1, MSG_PEEK) >= 0 :
					by_poll(sleeper->fd, sleeper->wanted, -1);
		}
	atomic_store(&sleeper->woken, woken);
	return NULL;
}

static bool is_asleep(int tid)
{
	char path[64], line[256], *name_end;
	FILE *file;
	bool asleep = false;

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fgets(line, sizeof line, file) && (name_end = strrchr(line, ')')))
		asleep = name_end[2] == 'S';
	fclose(file);
	return asleep;
}

/*
 * Sleeps until one of these bits comes, which the other end brings about when it is told `order`; it gets no order if that
 * is NULL. Somebody sleeps before, if there is something to wait for.
 * `epoll` is one that knows the socket already, or -1.
 */
static void sleep_until(const char *what, enum mechanism how, int fd, int epoll, int wanted, const char *order)
{
	struct sleeper sleeper = { .how = how, .fd = fd, .epoll = epoll, .wanted = wanted };
	int listening = 0, late = 0, samples = 0;
	socklen_t length = sizeof listening;
	pthread_t thread;
	double start = now();

	getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length);
	sleeper.is_listener = listening;
	if (epoll < 0 && (how == LEVEL || how == EDGE))
		sleeper.epoll = new_epoll(fd, wanted, how == EDGE);
	if (epoll >= 0 && how == LEVEL) {
		struct epoll_event ask = { .events = (uint32_t)wanted };

		epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &ask); /* else it would not sleep while there is room to send */
	}
	if (pthread_create(&thread, NULL, sleep_in_thread, &sleeper) != 0)
		die("thread");
	while (order && !(atomic_load(&sleeper.tid) && is_asleep(atomic_load(&sleeper.tid))) && !atomic_load(&sleeper.woken))
		pause_ms(1);
	if (order && atomic_load(&sleeper.woken))
		tell("%s: ready before", what);
	if (order)
		say("%s", order);
	while (!atomic_load(&sleeper.woken) && late < LATE_SAMPLES && now() - start < PATIENCE) {
		pause_ms(samples++ < 20 ? 1 : SAMPLE_MS);
		late = by_poll(fd, wanted, 0) ? late + 1 : 0;
	}
	tell("%s: %s", what,
	     atomic_load(&sleeper.woken) ? "woken" : late == LATE_SAMPLES ? "NOT WOKEN, though ready" : "NEVER READY");
	atomic_store(&sleeper.given_up, true);
	while (pthread_tryjoin_np(thread, NULL) == EBUSY) {
		pthread_kill(thread, SIGUSR1);
		pause_ms(1);
	}
	if (epoll < 0 && sleeper.epoll >= 0)
		close(sleeper.epoll);
	printf("# %s, %s: %s after %.1f s\n", scenario, mechanism, what, now() - start);
}

/* ---- the scenarios ---- */

enum {
	TFO_LISTENER = 1,	/* TCP_FASTOPEN before listen() */
	TFO_LATE = 2,		/* TCP_FASTOPEN after listen() */
	TFO_SEND = 4,		/* the client connects by sendto(MSG_FASTOPEN) */
	TFO_CONNECT = 8,	/* TCP_FASTOPEN_CONNECT before connect() */
	NON_BLOCKING = 16,	/* connect() of the client */
	BEFORE = 32,		/* epoll knows the client's socket before connect() */
	REFUSED = 64,		/* nobody listens */
	DEFER = 128,		/* TCP_DEFER_ACCEPT before listen() */
	FULL = 256,		/* the client sends until there is no room */
};

static const struct {
	const char *name;
	int what;
} scenarios[] = {
	{ "connection", 0 },
	{ "non-blocking connect", NON_BLOCKING },
	{ "known to epoll before connect", NON_BLOCKING | BEFORE },
	{ "refused", NON_BLOCKING | REFUSED },
	{ "no room", FULL },
	{ "deferred accept", DEFER },
	{ "TFO listener", TFO_LISTENER },
	{ "TFO listener, non-blocking connect", TFO_LISTENER | NON_BLOCKING },
	{ "TFO listener and MSG_FASTOPEN", TFO_LISTENER | TFO_SEND },
	{ "TFO listener and MSG_FASTOPEN, non-blocking", TFO_LISTENER | TFO_SEND | NON_BLOCKING },
	{ "TFO listener and TCP_FASTOPEN_CONNECT", TFO_LISTENER | TFO_CONNECT },
	{ "MSG_FASTOPEN", TFO_SEND },
	{ "TCP_FASTOPEN_CONNECT", TFO_CONNECT },
	{ "TFO set after listen", TFO_LATE },
};

static const struct sockaddr_in *loopback(int port)
{
	static struct sockaddr_in address;

	address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return &address;
}

static int open_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static void set_option(int fd, int option, int value, const char *name)
{
	tell("%s: %s", name, outcome(setsockopt(fd, IPPROTO_TCP, option, &value, sizeof value)));
}

static void tell_fast(const char *end, int fd)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof info;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0)
		tell("%s: %s", end, info.tcpi_options & TCPI_OPT_SYN_DATA ? "data in the SYN" : "no data in the SYN");
}

static void tell_ready(const char *what, enum mechanism how, int fd)
{
	tell("%s: %s", what, bits_of(ready(how, fd)));
}

static void read_byte(const char *what, int fd)
{
	char byte = '-';
	ssize_t length = recv(fd, &byte, 1, 0);

	tell("%s: %s%s%c", what, outcome(length), length > 0 ? " " : "", length > 0 ? byte : ' ');
}

static void run_listener(enum mechanism how, int what)
{
	int listener = open_socket(), fd;
	struct sockaddr_in address;
	socklen_t length = sizeof address;
	bool fast = what & (TFO_LISTENER | TFO_LATE | TFO_SEND | TFO_CONNECT);

	if (bind(listener, (const struct sockaddr *)loopback(0), sizeof address) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		die("bind");
	if (what & TFO_LISTENER)
		set_option(listener, TCP_FASTOPEN, 5, "TCP_FASTOPEN");
	if (what & DEFER)
		set_option(listener, TCP_DEFER_ACCEPT, 30, "TCP_DEFER_ACCEPT");
	if (!(what & REFUSED) && listen(listener, 5) < 0)
		die("listen");
	if (what & TFO_LATE)
		set_option(listener, TCP_FASTOPEN, 5, "TCP_FASTOPEN after listen()");
	say("%d", ntohs(address.sin_port));
	if (what & REFUSED) {
		hear_done();
		close(listener);
		return;
	}
	if (how != BLOCKING)
		tell_ready("listener without a connection", how, listener);
	hear_done(); /* the client has its socket */
	sleep_until("listener", how, listener, -1, POLLIN, "connect");
	if (how != BLOCKING)
		tell_ready("listener with a connection", how, listener);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		die("accept");
	tell_kind(fd);
	if (!(what & (TFO_SEND | TFO_CONNECT | DEFER))) {
		hear_done();
		tell_ready("accepted", how, fd);
		sleep_until("accepted, for data", how, fd, -1, POLLIN, "send");
	} else {
		/* it came with the connection */
		sleep_until("accepted, for data that came with it", how, fd, -1, POLLIN, NULL);
	}
	hear_done();
	if (fast)
		tell_fast("accepted", fd);
	tell_ready("accepted, with data", how, fd);
	read_byte("accepted reads", fd);
	tell_ready("accepted, read to the end", how, fd);
	say("sleep");
	hear(); /* the client sleeps */
	tell("accepted sends: %s", outcome(send(fd, "y", 1, MSG_NOSIGNAL)));
	hear_done();
	if (what & FULL) {
		static char block[65536];

		say("fill");
		hear_done();
		hear(); /* the client sleeps */
		for (ssize_t count; (count = recv(fd, block, sizeof block, MSG_DONTWAIT)) > 0 || errno == EAGAIN;) {
			if (count < 0) {
				/* everything that there was; or is the other end woken already? */
				struct pollfd ask[] = { { fd, POLLIN, 0 }, { control, POLLIN, 0 } };

				poll(ask, 2, -1);
				if (ask[1].revents && !ask[0].revents)
					break;
			}
		}
		hear_done();
	}
	sleep_until("accepted, for the end", how, fd, -1, POLLIN | POLLRDHUP, "shutdown");
	hear_done();
	tell("accepted, the other end has shut down: %s", bits_of(settled(how, fd, POLLIN | POLLRDHUP)));
	read_byte("accepted reads", fd);
	say("sleep for the end");
	hear();
	close(fd);
	close(listener);
	hear_done();
}

/*
 * Waits until a refused connection is closed. The kernel (seen on 6.12) sets the error of an SMC socket a moment before it
 * looks at that error under the socket's lock. Whoever reads SO_ERROR, and so clears it, in between makes the kernel go
 * on as if the connection stood: then there is no hang-up, and ECONNRESET a little later.
 */
static void await_hangup(int fd)
{
	struct pollfd ask = { fd, 0, 0 };
	double start = now();

	while (poll(&ask, 1, 0) >= 0 && !(ask.revents & POLLHUP)) {
		if (now() - start > PATIENCE) {
			tell("refused: NEVER closed, but %s", bits_of(ask.revents));
			return;
		}
		pause_ms(SAMPLE_MS);
	}
}

/* Connects as the scenario says. Returns whether the first byte is on its way. */
static bool connect_client(enum mechanism how, int what, int fd, int epoll, int port)
{
	const struct sockaddr *address = (const struct sockaddr *)loopback(port);
	int error = 0, result;
	socklen_t length = sizeof error;
	bool waits;

	if (what & TFO_SEND)
		result = (int)sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, address, sizeof(struct sockaddr_in));
	else
		result = connect(fd, address, sizeof(struct sockaddr_in));
	waits = result < 0 && errno == EINPROGRESS;
	tell("%s: %s", what & TFO_SEND ? "sendto(MSG_FASTOPEN)" : "connect", outcome(result));
	if (waits)
		sleep_until("connecting", how, fd, epoll, POLLOUT, NULL);
	if (waits && what & REFUSED)
		await_hangup(fd);
	if (what & NON_BLOCKING) {
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
		tell("SO_ERROR: %s", error ? strerrorname_np(error) : "0");
	}
	return what & TFO_SEND && !waits;
}

static void run_client(enum mechanism how, int what, int port)
{
	int fd = open_socket(), epoll = -1;
	char block[65536] = "";
	bool sent;
	ssize_t count;

	if (what & TFO_CONNECT)
		set_option(fd, TCP_FASTOPEN_CONNECT, 1, "TCP_FASTOPEN_CONNECT");
	if (what & NON_BLOCKING)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	if (what & BEFORE) {
		if (how != LEVEL && how != EDGE)
			how = EDGE;
		epoll = new_epoll(fd, ALL, how == EDGE);
		tell("epoll before connect: %s", bits_of(by_epoll(epoll, 0)));
	}
	if (what & REFUSED) {
		connect_client(how, what, fd, epoll, port);
		tell_ready("refused", how, fd);
		close(fd);
		say("done");
		return;
	}
	say("done");
	hear(); /* connect */
	sent = connect_client(how, what, fd, epoll, port);
	fcntl(fd, F_SETFL, 0);
	tell_kind(fd);
	if (!(what & (TFO_SEND | TFO_CONNECT | DEFER))) {
		tell_ready("connected", how, fd);
		say("done");
		hear(); /* send */
	}
	if (!sent)
		tell("sends: %s", outcome(send(fd, "x", 1, MSG_NOSIGNAL)));
	if (what & (TFO_SEND | TFO_CONNECT))
		tell_fast("client", fd);
	say("done");
	hear(); /* sleep */
	sleep_until("client, for data", how, fd, epoll, POLLIN, "asleep");
	tell_ready("client, with data", how, fd);
	read_byte("client reads", fd);
	say("done");
	if (what & FULL) {
		int full = 0;

		hear(); /* fill */
		/* the peer's buffer takes some of it a little later, so it is full when nothing goes for a while */
		while (full < SETTLE_SAMPLES) {
			count = send(fd, block, sizeof block, MSG_DONTWAIT | MSG_NOSIGNAL);
			full = count > 0 ? 0 : full + 1;
			if (count < 0)
				pause_ms(SAMPLE_MS);
		}
		tell("no room: %s", outcome(count));
		if (how != BLOCKING)
			tell_ready("client without room", how, fd);
		say("done");
		sleep_until("client, for room", how == BLOCKING ? POLL : how, fd, epoll, POLLOUT, "asleep");
		say("done");
	}
	hear(); /* shutdown */
	tell("shutdown: %s", outcome(shutdown(fd, SHUT_WR)));
	say("done");
	hear(); /* sleep for the end */
	sleep_until("client, for the end", how, fd, epoll, POLLIN | POLLRDHUP, "asleep");
	tell("client, both have shut down: %s", bits_of(settled(how, fd, POLLIN | POLLRDHUP | POLLHUP)));
	read_byte("client reads", fd);
	say("done");
	close(fd);
	if (epoll >= 0)
		close(epoll);
}

static void meet(const char *path, bool listens)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	double start = now();

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (listens) {
		unlink(path);
		if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0)
			die(path);
		control = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		close(fd);
		unlink(path);
		return;
	}
	while (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		if (now() - start > PATIENCE)
			die(path);
		pause_ms(50);
	}
	control = fd;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = wake };
	bool listens = argc > 2 && !strcmp(argv[1], "listener");

	sigaction(SIGUSR1, &action, NULL);
	meet(argv[2], listens);
	if (!listens) {
		for (;;) {
			int index, port;
			enum mechanism how;
			const char *line = hear();

			if (!strcmp(line, "end"))
				return 0;
			if (sscanf(line, "%d %d", &index, (int *)&how) != 2)
				die("out of step");
			scenario = scenarios[index].name;
			mechanism = mechanism_names[how];
			port = atoi(hear());
			run_client(how, scenarios[index].what, port);
		}
	}
	for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
		bool wanted = argc == 3;

		for (int word = 3; word < argc; word++)
			wanted |= !strcmp(argv[word], scenarios[i].name);
		for (enum mechanism how = 0; wanted && how < MECHANISMS; how++) {
			scenario = scenarios[i].name;
			mechanism = mechanism_names[how];
			say("%d %d", (int)i, (int)how);
			run_listener(how, scenarios[i].what);
		}
	}
	say("end");
	return 0;
}
