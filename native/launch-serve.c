// SPDX-License-Identifier: MIT
/* The supervisor: answers the calls that the filter reports, one after the other. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "launch.h"

static struct {
	const struct options *options;
	struct shared *shared;
	int listener;
	size_t call_size; /* bytes the kernel writes for a call; newer kernels may have more to say than we know */
	bool add_and_answer; /* ADDFD can do both at once */
	bool is_root;
	int own_network; /* /proc/self/ns/net */
	struct stat own_network_id;
	time_t ask_again; /* the kernel has no SMC at all, and is not asked before that; CLOCK_MONOTONIC */
} server;

/* How long to believe that the kernel has no SMC: each question makes it run modprobe. Seconds. */
enum { LACK_HOLDS = 10 };

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* ---- answers ---- */

static void answer(int listener, uint64_t id, int error, int value, uint32_t flags)
{
	struct seccomp_notif_resp response = { .id = id, .val = value, .error = -error, .flags = flags };

	/* ENOENT: the caller was killed meanwhile */
	while (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) < 0 && errno == EINTR)
		;
}

static void let_go_on(uint64_t id)
{
	answer(server.listener, id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

static void fail(uint64_t id, int error)
{
	answer(server.listener, id, error, 0, 0);
}

/* Puts the socket into the caller. Returns its number there, or -1 with errno; then the call still waits. */
static int give(uint64_t id, int fd, int type)
{
	struct seccomp_notif_addfd add = {
		.id = id,
		.flags = server.add_and_answer ? SECCOMP_ADDFD_FLAG_SEND : 0,
		.srcfd = (uint32_t)fd,
		.newfd_flags = type & SOCK_CLOEXEC ? O_CLOEXEC : 0,
	};
	int number = ioctl(server.listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);

	if (number >= 0 && !server.add_and_answer)
		answer(server.listener, id, 0, number, 0);
	return number;
}

/* ---- counting ---- */

static void count_refusal(int error)
{
	struct results *results = &server.shared->results;
	struct refusal *refusal = results->refusal;

	for (unsigned int i = 0; i < results->refusals; i++, refusal++)
		if (refusal->error == error) {
			refusal->count++;
			return;
		}
	if (results->refusals < COUNT(results->refusal)) {
		*refusal = (struct refusal){ error, 1 };
		results->refusals++;
	}
}

/* Something happened to a socket() call that asked for TCP, or for SMC: `error` 0 is a success. */
static void count_socket(const struct caller *caller, int domain, bool smc, int error)
{
	struct results *results = &server.shared->results;
	struct json_number number = json_or_null((uint32_t)error);

	if (smc)
		results->smc++;
	else
		results->tcp++;
	if (error)
		count_refusal(error);
	if (server.options->log_fd >= 0)
		put_line(server.options->log_fd,
			 "{\"event\":\"socket\",\"pid\":%d,\"command\":%s,\"family\":\"%s\",\"result\":\"%s\",\"errno\":%s}",
			 caller->pid, json_name(caller->command).text, domain == AF_INET6 ? "ipv6" : "ipv4",
			 smc ? "smc" : "tcp", number.text);
}

/*
 * What the preload library was refused. It then asks for TCP in the same thread, and only that is counted; some
 * threads back is enough, since nothing lies between the two calls.
 */
static struct {
	pid_t tid;
	int error;
} refused[16];
static unsigned int next_refused;

static void remember_refusal(pid_t tid, int error)
{
	refused[next_refused].tid = tid;
	refused[next_refused].error = error;
	next_refused = (next_refused + 1) % COUNT(refused);
}

static int recall_refusal(pid_t tid)
{
	int error = 0;

	for (unsigned int i = 0; i < COUNT(refused); i++) {
		if (refused[i].tid != tid)
			continue;
		error = refused[i].error;
		refused[i].tid = 0;
	}
	return error;
}

/* ---- opening ---- */

/* Goes to the network namespace of the caller, if that is another one. Returns 0, 1 (then go back), -1 with errno. */
static int enter_network(pid_t tid)
{
	char path[40];
	struct stat id;
	int fd, result;

	snprintf(path, sizeof path, "/proc/%d/ns/net", tid);
	if (stat(path, &id) < 0)
		return -1;
	if (id.st_ino == server.own_network_id.st_ino && id.st_dev == server.own_network_id.st_dev)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	result = setns(fd, CLONE_NEWNET);
	close(fd);
	return result < 0 ? -1 : 1;
}

static void leave_network(void)
{
	int error = errno;

	if (setns(server.own_network, CLONE_NEWNET) < 0)
		_exit(1); /* the guard goes on without us, with TCP */
	errno = error;
}

static int open_socket(int domain, int type, int protocol)
{
	return socket(domain, type | SOCK_CLOEXEC, protocol);
}

/* Opens an SMC socket in the way that was asked for. Returns -1 with the errno of the first way. */
static int open_smc(int domain, int type)
{
	int fd = -1, error = 0;

	if (server.options->convert != CONVERT_INET) {
		fd = open_socket(AF_SMC, type, domain == AF_INET6 ? 1 : 0);
		error = errno;
	}
	if (fd < 0 && server.options->convert != CONVERT_AF_SMC) {
		fd = open_socket(domain, type, PROTOCOL_SMC);
		error = error ? error : errno;
	}
	errno = error;
	return fd;
}

/* The same for the caller: in its network namespace, and owned by its user. */
static int open_for(const struct caller *caller, int domain, int type, int protocol, bool *elsewhere)
{
	int entered = enter_network(caller->tid);
	int fd, error;

	*elsewhere = entered != 0;
	if (entered < 0)
		return -1;
	if (server.is_root) {
		setfsgid(caller->fsgid);
		setfsuid(caller->fsuid);
	}
	fd = domain == AF_SMC || protocol == PROTOCOL_SMC ? open_socket(domain, type, protocol) : open_smc(domain, type);
	error = errno;
	if (server.is_root) {
		setfsuid(0);
		setfsgid(getegid());
	}
	errno = error;
	if (entered > 0)
		leave_network();
	return fd;
}

/* Before the program has the socket: SMC takes its buffers when it connects. Returns the errno, or 0. */
static int set_size(int fd, int option, int bytes)
{
	return bytes && setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes) < 0 ? errno : 0;
}

static const char *family_name(int domain)
{
	return domain == AF_INET6 ? "IPv6" : "IPv4";
}

static void report_size(int number, const char *option, int bytes, int error)
{
	if (bytes && error)
		put_line(STDERR_FILENO, "smc-launch: socket %d: %s %d not set: errno %d", number, option, bytes, error);
	else if (bytes)
		put_line(STDERR_FILENO, "smc-launch: socket %d: %s %d", number, option, bytes);
}

static void report_refused(int domain, const char *what, int error)
{
	if (server.options->debug)
		put_line(STDERR_FILENO, "smc-launch: %s socket %s: %s gave errno %d", family_name(domain), what,
			 server.options->convert == CONVERT_INET ? "IPPROTO_SMC" : "AF_SMC", error);
}

/* The inode number is what tells the socket apart later; the descriptor is not kept, it would keep the socket open. */
static void hand_over(uint64_t id, const struct caller *caller, int fd, int domain, int type, bool elsewhere)
{
	const struct options *options = server.options;
	struct stat file;
	bool known = options->observe && !elsewhere && fstat(fd, &file) == 0;
	int sndbuf_error = set_size(fd, SO_SNDBUF, options->sndbuf);
	int rcvbuf_error = set_size(fd, SO_RCVBUF, options->rcvbuf);
	int number = give(id, fd, type);

	if (number < 0) {
		/* EMFILE and the like are the caller's own limits; if it was killed nobody listens */
		int error = errno;

		fail(id, error);
		if (options->debug)
			put_line(STDERR_FILENO, "smc-launch: %s socket not opened: errno %d", family_name(domain), error);
		return;
	}
	count_socket(caller, domain, true, 0);
	if (known)
		observe_opened(file.st_ino, caller->pid, caller->command);
	if (!options->debug)
		return;
	put_line(STDERR_FILENO, "smc-launch: %s socket %d uses SMC", family_name(domain), number);
	report_size(number, "SO_SNDBUF", options->sndbuf, sndbuf_error);
	report_size(number, "SO_RCVBUF", options->rcvbuf, rcvbuf_error);
}

/* The program, or the preload library in it, asks for SMC itself: opened here only to know what comes of it. */
static void serve_own_smc(uint64_t id, const struct caller *caller, int domain, int type, int protocol)
{
	bool elsewhere;
	int fd = open_for(caller, domain, type, protocol, &elsewhere);

	int error = errno;
	bool tried_before = recall_refusal(caller->tid) != 0;

	if (fd >= 0) {
		hand_over(id, caller, fd, domain == AF_SMC && protocol == 1 ? AF_INET6 : domain, type, elsewhere);
		close(fd);
	} else if (elsewhere) {
		let_go_on(id); /* what we may not, the caller may */
	} else {
		if (!server.options->strict)
			remember_refusal(caller->tid, error);
		else if (!tried_before)
			count_refusal(error);
		fail(id, error);
	}
}

static void serve_tcp(uint64_t id, const struct caller *caller, int domain, int type, int protocol)
{
	bool elsewhere;
	int fd, error;

	if (server.options->convert == CONVERT_NONE || !command_chosen(server.options, caller)) {
		count_socket(caller, domain, false, recall_refusal(caller->tid));
		let_go_on(id);
		return;
	}
	if (seconds() < server.ask_again) {
		fd = -1;
		errno = EAFNOSUPPORT;
	} else {
		fd = open_for(caller, domain, type, protocol, &elsewhere);
		/* for IPv6 it may be the lack of IPv6 */
		if (fd < 0 && domain == AF_INET && (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT)) {
			error = errno;
			server.ask_again = seconds() + LACK_HOLDS;
			errno = error;
		}
	}
	if (fd >= 0) {
		hand_over(id, caller, fd, domain, type, elsewhere);
		close(fd);
		return;
	}
	error = errno;
	if (server.options->strict) {
		count_refusal(error);
		fail(id, error);
	} else {
		count_socket(caller, domain, false, error);
		let_go_on(id);
	}
	report_refused(domain, server.options->strict ? "not opened" : "stays TCP", error);
}

static void serve_socket(uint64_t id, pid_t tid, int domain, int type, int protocol)
{
	bool stream = (type & SOCKET_TYPE_MASK) == SOCK_STREAM;
	bool internet = domain == AF_INET || domain == AF_INET6;
	bool wants_tcp = stream && internet && (protocol == 0 || protocol == IPPROTO_TCP);
	bool wants_smc = stream && server.options->observe &&
			 ((internet && protocol == PROTOCOL_SMC) || (domain == AF_SMC && (protocol == 0 || protocol == 1)));
	struct caller caller = { .tid = tid, .pid = tid };
	bool named = server.is_root || server.options->observe || server.options->log_fd >= 0 ||
		     server.options->only.count || server.options->except.count;

	if ((!wants_tcp && !wants_smc) || (named && !look_at_caller(tid, &caller)))
		let_go_on(id);
	else if (wants_smc)
		serve_own_smc(id, &caller, domain, type, protocol);
	else
		serve_tcp(id, &caller, domain, type, protocol);
}

static void serve_call(const struct seccomp_notif *call)
{
	int arguments[3] = { (int)call->data.args[0], (int)call->data.args[1], (int)call->data.args[2] };
	uint64_t id = call->id;
	pid_t tid = (pid_t)call->pid;

	switch (kind_of_call(&call->data)) {
	case CALL_SOCKETCALL:
		if (!read_socketcall(tid, &call->data, arguments)) {
			let_go_on(id);
			return;
		}
		/* fall through */
	case CALL_SOCKET:
		serve_socket(id, tid, arguments[0], arguments[1], arguments[2]);
		return;
	case CALL_CLOSE:
		observe_close(tid, arguments[0]);
		break;
	case CALL_EXIT:
		observe_exit(tid);
		break;
	case CALL_OTHER:
		break;
	}
	let_go_on(id);
}

/* ---- the loop ---- */

static size_t call_size(void)
{
	struct seccomp_notif_sizes sizes = { .seccomp_notif = sizeof(struct seccomp_notif) };

	syscall(SYS_seccomp, (long)SECCOMP_GET_NOTIF_SIZES, 0L, &sizes);
	return sizes.seccomp_notif;
}

/* Takes the next call, which there must be. Returns false if its caller has gone. */
static bool receive(struct shared *shared, int listener, size_t size)
{
	if (size > sizeof shared->room)
		_exit(1);
	memset(shared->room, 0, size); /* the kernel demands it */
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &shared->call) == 0;
}

void serve(const struct options *options, struct shared *shared, int listener, int control)
{
	struct pollfd events[] = { { .fd = listener, .events = POLLIN }, { .fd = control, .events = POLLIN } };
	bool finishing = false;

	server.options = options;
	server.shared = shared;
	server.listener = listener;
	server.call_size = call_size();
	server.add_and_answer = knows_addfd(listener, SECCOMP_ADDFD_FLAG_SEND);
	server.is_root = geteuid() == 0;
	server.own_network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (server.own_network < 0 || fstat(server.own_network, &server.own_network_id) < 0)
		memset(&server.own_network_id, 0, sizeof server.own_network_id); /* then no namespace is ours: TCP */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP); /* faster, if known */
	if (options->observe)
		observe_start(options, &shared->results);

	for (;;) {
		int timeout = finishing ? 0 : options->observe ? observe_due() : -1;
		int ready = poll(events, COUNT(events), timeout);

		if (ready < 0 && errno != EINTR)
			_exit(1);
		if (ready > 0 && events[0].revents & POLLIN) {
			if (receive(shared, listener, server.call_size))
				serve_call(&shared->call);
		} else if (ready > 0 && events[0].revents) {
			/* POLLHUP: the last process with the filter has ended */
			if (events[1].fd < 0)
				return;
			events[0].fd = -1;
		} else if (finishing) {
			/* no call is waiting any more, so this is the end of the main program's doings */
			observe_finish();
			if (write(events[1].fd, "", 1) < 0 || events[0].fd < 0)
				return;
			finishing = false;
			events[1].fd = -1;
		} else if (ready > 0 && events[1].revents) {
			char order;

			/* no order: the waiting process has gone without one */
			finishing = read(events[1].fd, &order, 1) == 1;
			if (finishing)
				continue;
			if (events[0].fd < 0)
				return;
			events[1].fd = -1;
		}
	}
}

void serve_untouched(struct shared *shared, int listener)
{
	struct pollfd event = { .fd = listener, .events = POLLIN };
	size_t size = call_size();
	uint64_t in_flight = shared->call.id;

	if (in_flight)
		answer(listener, in_flight, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
	for (;;) {
		if (poll(&event, 1, -1) < 0 && errno != EINTR)
			return;
		if (event.revents & POLLIN) {
			if (receive(shared, listener, size))
				answer(listener, shared->call.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
		} else if (event.revents) {
			return;
		}
	}
}
