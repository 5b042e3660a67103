// SPDX-License-Identifier: MIT
/*
 * Checks libsmc-preload.so from inside a program that is run under it.
 *
 *   preload-tester [--stand-in|--marked] [--refuse ERRNO] [--refuse-sndbuf ERRNO]
 *                  --expect converted|fallback|kernel|ERRNO [table|sizes|lines|storm [ROUNDS]]
 *
 * With neither --stand-in nor --refuse the kernel's own AF_SMC answers: "converted" on a kernel that has it,
 * "fallback" on one that has not, "kernel" finds out which. --refuse makes socket(AF_SMC) fail with an errno
 * of choice. --stand-in plays AF_SMC itself, on any kernel since 5.14: a seccomp filter hands each
 * socket(AF_SMC) to a thread here, which checks the arguments as the kernel would and puts a marked TCP socket
 * in place. Both together: that thread refuses, and counts how often it was asked. --marked: somebody outside plays it,
 * with the same mark (launch-stand-in.c).
 *
 * table   every kind of call, compared with the same call made directly
 * sizes   prints the buffer sizes of a few sockets
 * lines   opens one IPv4 and one IPv6 TCP socket and a UDP socket, and prints their numbers
 * storm   many threads, children and signal handlers that open sockets at the same time
 *
 * Output is TAP. The exit status is 1 if anything is not ok.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef AF_SMC
#define AF_SMC 43
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
enum { PROTOCOL_SMC = 256, SOL_SMC_LEVEL = 286, SMC_LIMIT_HS_OPTION = 1 };
enum { STAND_IN_MARK = 5 }; /* SO_PRIORITY, 0 on every other socket */
enum { UNTOUCHED_ERRNO = 12345 };

static int expected_error = -1; /* --expect ERRNO */
static bool expect_converted;
static bool stand_in, marked;
static int refuse, refuse_sndbuf;
static atomic_int asked; /* how often the stand-in was */
static int checks, failures;

static void check(bool good, const char *format, const char *name)
{
	checks++;
	failures += !good;
	printf("%s %d - ", good ? "ok" : "not ok", checks);
	printf(format, name);
	putchar('\n');
}

static int direct_socket(int domain, int type, int protocol)
{
	return (int)syscall(SYS_socket, (long)domain, (long)type, (long)protocol);
}

static int get_option(int fd, int level, int option)
{
	int value = -1;
	socklen_t length = sizeof value;

	return getsockopt(fd, level, option, &value, &length) < 0 ? -1 : value;
}

/*
 * SO_DOMAIN, SO_TYPE and SO_PROTOCOL of an SMC socket are answered by the TCP socket inside it. Only the
 * option level of SMC (since 5.18) tells them apart.
 */
static bool is_smc(int fd)
{
	if (stand_in || marked)
		return get_option(fd, SOL_SOCKET, SO_PRIORITY) == STAND_IN_MARK;
	return get_option(fd, SOL_SMC_LEVEL, SMC_LIMIT_HS_OPTION) >= 0;
}

/* ---- AF_SMC refused, or played by a thread ---- */

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW_WORD(argument) (offsetof(struct seccomp_data, args[argument]) + 4)
#else
#define LOW_WORD(argument) offsetof(struct seccomp_data, args[argument])
#endif

/* From now on `action` happens to system call `number` when one of its arguments has this value. */
static int catch_call(int number, int argument, unsigned int value, unsigned int action, unsigned int flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, LOW_WORD(argument)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, (long)SECCOMP_SET_MODE_FILTER, (long)flags, &program);
}

static void skip_all(const char *what)
{
	printf("1..0 # SKIP %s not available: %s\n", what, strerror(errno));
	exit(0);
}

/* The kernel's answer to socket(AF_SMC, type, protocol), given with a TCP socket. */
static int play_af_smc(int type, int protocol)
{
	int mark = STAND_IN_MARK;
	int fd;

	atomic_fetch_add(&asked, 1);
	if (refuse)
		return -refuse;
	if ((type & 0xf) != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	if (protocol != 0 && protocol != 1)
		return -EPROTONOSUPPORT;
	fd = direct_socket(protocol == 0 ? AF_INET : AF_INET6, type, IPPROTO_TCP);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &mark, sizeof mark) < 0)
		abort();
	return fd;
}

static void *stand_in_main(void *argument)
{
	int listener = (int)(long)argument;

	for (;;) {
		struct seccomp_notif call;
		int type, fd;

		memset(&call, 0, sizeof call);
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0) {
			if (errno == EINTR || errno == ENOENT)
				continue; /* the caller was interrupted, and will call again */
			return NULL;
		}
		type = (int)call.data.args[1];
		fd = play_af_smc(type, (int)call.data.args[2]);
		if (fd < 0) {
			struct seccomp_notif_resp answer = { .id = call.id, .error = fd };

			ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
		} else {
			struct seccomp_notif_addfd answer = {
				.id = call.id,
				.flags = SECCOMP_ADDFD_FLAG_SEND,
				.srcfd = (unsigned int)fd,
				.newfd_flags = type & SOCK_CLOEXEC ? O_CLOEXEC : 0,
			};

			ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &answer);
			close(fd);
		}
	}
}

static void start_stand_in(void)
{
	pthread_t thread;
	sigset_t all, before;
	int listener = catch_call(SYS_socket, 0, AF_SMC, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);

	if (listener < 0)
		skip_all("seccomp notification");
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the threads under test */
	if (pthread_create(&thread, NULL, stand_in_main, (void *)(long)listener) != 0)
		abort();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- table ---- */

struct call {
	int domain, type, protocol;
	bool asks_for_tcp;
	const char *name;
};

static const struct call calls[] = {
	{ AF_INET, SOCK_STREAM, 0, true, "IPv4 stream" },
	{ AF_INET, SOCK_STREAM, IPPROTO_TCP, true, "IPv4 stream TCP" },
	{ AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0, true, "IPv4 stream, close-on-exec" },
	{ AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0, true, "IPv4 stream, non-blocking" },
	{ AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP, true, "IPv4 stream TCP, both flags" },
	{ AF_INET6, SOCK_STREAM, 0, true, "IPv6 stream" },
	{ AF_INET6, SOCK_STREAM, IPPROTO_TCP, true, "IPv6 stream TCP" },
	{ AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, true, "IPv6 stream, both flags" },
	{ AF_INET, SOCK_STREAM | 0x10, 0, true, "IPv4 stream, unknown flag" },

	{ AF_INET, SOCK_STREAM, IPPROTO_UDP, false, "IPv4 stream UDP" },
	{ AF_INET, SOCK_STREAM, IPPROTO_SCTP, false, "IPv4 stream SCTP" },
	{ AF_INET, SOCK_STREAM, IPPROTO_MPTCP, false, "IPv4 stream MPTCP" },
	{ AF_INET, SOCK_STREAM, PROTOCOL_SMC, false, "IPv4 stream SMC" },
	{ AF_INET, SOCK_STREAM, -1, false, "IPv4 stream, protocol -1" },
	{ AF_INET, SOCK_STREAM, 1, false, "IPv4 stream, protocol 1" },
	{ AF_INET, SOCK_DGRAM, 0, false, "IPv4 datagram" },
	{ AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP, false, "IPv4 datagram UDP" },
	{ AF_INET, SOCK_DGRAM, IPPROTO_TCP, false, "IPv4 datagram TCP" },
	{ AF_INET, SOCK_RAW, IPPROTO_ICMP, false, "IPv4 raw ICMP" },
	{ AF_INET, SOCK_RAW, IPPROTO_TCP, false, "IPv4 raw TCP" },
	{ AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP, false, "IPv4 packet sequence SCTP" },
	{ AF_INET, SOCK_SEQPACKET, 0, false, "IPv4 packet sequence" },
	{ AF_INET, 0, 0, false, "IPv4 type 0" },
	{ AF_INET, 0xf, 0, false, "IPv4 type 15" },
	{ AF_INET6, SOCK_STREAM, IPPROTO_MPTCP, false, "IPv6 stream MPTCP" },
	{ AF_INET6, SOCK_STREAM, IPPROTO_SCTP, false, "IPv6 stream SCTP" },
	{ AF_INET6, SOCK_DGRAM, 0, false, "IPv6 datagram" },
	{ AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, false, "IPv6 raw ICMP" },
	{ AF_UNIX, SOCK_STREAM, 0, false, "Unix stream" },
	{ AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, false, "Unix stream, non-blocking" },
	{ AF_UNIX, SOCK_STREAM, IPPROTO_TCP, false, "Unix stream, protocol 6" },
	{ AF_UNIX, SOCK_DGRAM, 0, false, "Unix datagram" },
	{ AF_UNIX, SOCK_SEQPACKET, 0, false, "Unix packet sequence" },
	{ AF_UNSPEC, SOCK_STREAM, 0, false, "no family" },
	{ AF_NETLINK, SOCK_RAW, 0, false, "netlink" },
	{ AF_NETLINK, SOCK_STREAM, 0, false, "netlink stream" },
	{ AF_PACKET, SOCK_RAW, 0, false, "packet" },
	{ AF_VSOCK, SOCK_STREAM, 0, false, "vsock stream" },
	{ AF_SMC, SOCK_STREAM, 0, false, "SMC stream" },
	{ AF_SMC, SOCK_STREAM, 1, false, "SMC stream over IPv6" },
	{ AF_SMC, SOCK_STREAM, IPPROTO_TCP, false, "SMC stream, protocol 6" },
	{ -1, SOCK_STREAM, 0, false, "family -1" },
	{ AF_INET + 256, SOCK_STREAM, 0, false, "family 258" },
};

/* All that a program can see of a socket, to compare two. */
struct view {
	int error; /* 0: it was opened */
	int domain, type, protocol, fd_flags, file_flags, sndbuf, rcvbuf;
	bool smc;
};

static struct view look(int fd, int error)
{
	struct view view;

	memset(&view, 0, sizeof view);
	if (fd < 0) {
		view.error = error;
		return view;
	}
	view.domain = get_option(fd, SOL_SOCKET, SO_DOMAIN);
	view.type = get_option(fd, SOL_SOCKET, SO_TYPE);
	view.protocol = get_option(fd, SOL_SOCKET, SO_PROTOCOL);
	view.fd_flags = fcntl(fd, F_GETFD);
	view.file_flags = fcntl(fd, F_GETFL);
	view.sndbuf = get_option(fd, SOL_SOCKET, SO_SNDBUF);
	view.rcvbuf = get_option(fd, SOL_SOCKET, SO_RCVBUF);
	view.smc = is_smc(fd);
	close(fd);
	return view;
}

static bool alike(const struct view *a, const struct view *b)
{
	return a->error == b->error && a->domain == b->domain && a->type == b->type && a->protocol == b->protocol &&
	       a->fd_flags == b->fd_flags && a->file_flags == b->file_flags;
}

static void test_call(const struct call *call)
{
	struct view direct, through;
	int fd, error;

	fd = direct_socket(call->domain, call->type, call->protocol);
	direct = look(fd, errno);
	errno = UNTOUCHED_ERRNO;
	fd = socket(call->domain, call->type, call->protocol);
	error = errno;
	through = look(fd, error);

	if (direct.error)
		printf("# %s: the kernel says %s\n", call->name, strerror(direct.error));
	if (call->asks_for_tcp && expected_error > 0) {
		check(through.error == expected_error, "%s fails with the errno of AF_SMC", call->name);
		return;
	}
	/* A real AF_SMC socket says so itself (6.12; older kernels let the TCP socket inside answer). */
	if (through.domain == AF_SMC && through.smc && call->asks_for_tcp) {
		check(through.protocol == (call->domain == AF_INET6 ? 1 : 0), "%s has the protocol of its family",
		      call->name);
		through.domain = direct.domain;
		through.protocol = direct.protocol;
	}
	check(alike(&direct, &through), "%s looks as if opened directly", call->name);
	if (through.error)
		return;
	check(error == UNTOUCHED_ERRNO, "%s leaves errno alone", call->name);
	if (call->asks_for_tcp)
		check(through.smc == expect_converted, expect_converted ? "%s is SMC" : "%s is TCP", call->name);
	else
		check(through.smc == direct.smc && through.sndbuf == direct.sndbuf && through.rcvbuf == direct.rcvbuf,
		      "%s is untouched", call->name);
}

static void test_table(void)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		test_call(&calls[i]);
}

/* ---- sizes, lines ---- */

static void show_size(const char *name, int fd)
{
	struct view view = look(fd, errno);

	check(!view.error, "%s opened", name);
	printf("# %s %d %d\n", name, view.sndbuf, view.rcvbuf);
}

static void test_sizes(void)
{
	show_size("ipv4", socket(AF_INET, SOCK_STREAM, 0));
	show_size("ipv6", socket(AF_INET6, SOCK_STREAM, 0));
	show_size("direct", direct_socket(AF_INET, SOCK_STREAM, 0));
	show_size("udp", socket(AF_INET, SOCK_DGRAM, 0));
	show_size("direct-udp", direct_socket(AF_INET, SOCK_DGRAM, 0));
	show_size("unix", socket(AF_UNIX, SOCK_STREAM, 0));
	show_size("direct-unix", direct_socket(AF_UNIX, SOCK_STREAM, 0));
}

static void test_lines(void)
{
	int ipv4, ipv6, udp;

	errno = UNTOUCHED_ERRNO;
	ipv4 = socket(AF_INET, SOCK_STREAM, 0);
	check(expected_error > 0 ? errno == expected_error : errno == UNTOUCHED_ERRNO, "%s", "errno after IPv4");
	errno = UNTOUCHED_ERRNO;
	ipv6 = socket(AF_INET6, SOCK_STREAM, 0);
	check(expected_error > 0 ? errno == expected_error : errno == UNTOUCHED_ERRNO, "%s", "errno after IPv6");
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	printf("# ipv4 %d\n# ipv6 %d\n# udp %d\n", ipv4, ipv6, udp);
}

/* ---- storm ---- */

enum { THREADS = 64 };
static int rounds = 100;
static atomic_int wrong, opened, opened_in_handler, opened_in_child;

/* Safe in signal handlers and children: only system calls. */
static bool open_one(bool ipv6, bool cloexec)
{
	int before = errno;
	int domain = ipv6 ? AF_INET6 : AF_INET;
	int fd;
	bool good;

	errno = UNTOUCHED_ERRNO;
	fd = socket(domain, SOCK_STREAM | (cloexec ? SOCK_CLOEXEC : 0), 0);
	good = fd >= 0 && errno == UNTOUCHED_ERRNO && is_smc(fd) == expect_converted &&
	       (get_option(fd, SOL_SOCKET, SO_DOMAIN) == domain ||
		(expect_converted && get_option(fd, SOL_SOCKET, SO_DOMAIN) == AF_SMC)) &&
	       !!(fcntl(fd, F_GETFD) & FD_CLOEXEC) == cloexec;
	if (fd >= 0)
		close(fd);
	errno = before;
	return good;
}

static void on_signal(int number)
{
	(void)number;
	if (open_one(false, true))
		atomic_fetch_add(&opened_in_handler, 1);
	else
		atomic_fetch_add(&wrong, 1);
}

static void in_child(pid_t child)
{
	int status = -1;

	if (child < 0) {
		atomic_fetch_add(&wrong, 1);
		return;
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	atomic_fetch_add(status == 0 ? &opened_in_child : &wrong, 1);
}

static void open_in_forked_child(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(open_one(true, false) ? 0 : 1);
	in_child(child);
}

static void open_in_vforked_child(void)
{
	pid_t child = vfork();

	if (child == 0)
		_exit(open_one(false, false) ? 0 : 1);
	in_child(child);
}

static void *storm_thread(void *argument)
{
	int number = (int)(long)argument;

	for (int round = 0; round < rounds; round++) {
		if (open_one((round + number) & 1, round & 2))
			atomic_fetch_add(&opened, 1);
		else
			atomic_fetch_add(&wrong, 1);
		if (round % 25 == 0 && number % 8 == 0)
			open_in_forked_child();
		if (round % 25 == 0 && number % 8 == 4)
			open_in_vforked_child();
	}
	return NULL;
}

static void test_storm(void)
{
	struct sigaction action;
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
	pthread_t threads[THREADS];

	memset(&action, 0, sizeof action);
	action.sa_handler = on_signal;
	action.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, storm_thread, (void *)i) != 0)
			abort();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	/* Alone now, until the handler has interrupted socket() itself for sure. */
	for (int i = 0; i < 200000 && atomic_load(&opened_in_handler) < 200; i++)
		if (!open_one(false, true))
			atomic_fetch_add(&wrong, 1);
	setitimer(ITIMER_REAL, &never, NULL);

	printf("# sockets: %d by threads, %d by children, %d by handlers\n", atomic_load(&opened),
	       atomic_load(&opened_in_child), atomic_load(&opened_in_handler));
	check(atomic_load(&wrong) == 0, "%s", "every socket is what was asked for");
	check(atomic_load(&opened) == THREADS * rounds, "%s", "all threads opened all sockets");
	check(atomic_load(&opened_in_child) == 16 * ((rounds + 24) / 25), "%s", "all children opened theirs");
	check(atomic_load(&opened_in_handler) > 0, "%s", "signal handlers opened some");
}

static int usage(void)
{
	fprintf(stderr, "usage: preload-tester [--stand-in|--marked] [--refuse ERRNO] [--refuse-sndbuf ERRNO]\n"
			"                      --expect converted|fallback|kernel|ERRNO\n"
			"                      [table|sizes|lines|storm [ROUNDS]]\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *expect = NULL, *run = "table";

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--stand-in"))
			stand_in = true;
		else if (!strcmp(argv[i], "--marked"))
			marked = true;
		else if (!strcmp(argv[i], "--refuse") && argv[i + 1])
			refuse = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--refuse-sndbuf") && argv[i + 1])
			refuse_sndbuf = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--expect") && argv[i + 1])
			expect = argv[++i];
		else if (argv[i][0] == '-')
			return usage();
		else if (argv[i][0] >= '0' && argv[i][0] <= '9')
			rounds = atoi(argv[i]);
		else
			run = argv[i];
	}
	if (!expect)
		return usage();
	if (!strcmp(expect, "converted")) {
		expect_converted = true;
	} else if (!strcmp(expect, "kernel")) {
		int fd = direct_socket(AF_SMC, SOCK_STREAM, 0);

		expect_converted = fd >= 0;
		printf("# this kernel has %sAF_SMC\n", fd >= 0 ? "" : "no ");
		if (fd >= 0)
			close(fd);
	} else if (strcmp(expect, "fallback") != 0) {
		expected_error = atoi(expect);
	}

	if (stand_in)
		start_stand_in();
	else if (refuse && catch_call(SYS_socket, 0, AF_SMC, SECCOMP_RET_ERRNO | (unsigned int)refuse, 0) < 0)
		skip_all("seccomp");
	/* Argument 2 is the option. The stand-in's thread runs already and is not affected. */
	if (refuse_sndbuf && catch_call(SYS_setsockopt, 2, SO_SNDBUF, SECCOMP_RET_ERRNO | (unsigned int)refuse_sndbuf, 0) < 0)
		skip_all("seccomp");

	if (!strcmp(run, "table"))
		test_table();
	else if (!strcmp(run, "sizes"))
		test_sizes();
	else if (!strcmp(run, "lines"))
		test_lines();
	else if (!strcmp(run, "storm"))
		test_storm();
	else
		return usage();
	if (stand_in)
		printf("# asked %d\n", atomic_load(&asked));
	printf("1..%d\n", checks);
	return failures > 0;
}
