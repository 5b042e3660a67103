// SPDX-License-Identifier: MIT
/*
 * Run under smc-launch: opens TCP sockets in all sorts of processes, and prints a line "what: smc|tcp|errno N" for each.
 * An SMC socket is told by its protocol name in sockfs, or by the mark of launch-stand-in.c.
 *
 *   launch-tester WHAT...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static bool is_smc(int fd)
{
	char protocol[16] = "";
	int mark = 0;
	socklen_t length = sizeof mark;

	fgetxattr(fd, "system.sockprotoname", protocol, sizeof protocol - 1);
	getsockopt(fd, SOL_SOCKET, SO_PRIORITY, &mark, &length);
	return strstr(protocol, "SMC") || mark == 5;
}

/* Prints by one write(), since threads and children do it as well. */
static void tell(const char *what, int fd)
{
	if (fd < 0)
		dprintf(STDOUT_FILENO, "%s: errno %d\n", what, errno);
	else
		dprintf(STDOUT_FILENO, "%s: %s\n", what, is_smc(fd) ? "smc" : "tcp");
}

static void open_one(const char *what)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	tell(what, fd);
	close(fd);
}

static void wait_all(void)
{
	while (wait(NULL) > 0)
		;
}

static void in_fork(void)
{
	if (fork() == 0) {
		open_one("fork");
		_exit(0);
	}
	wait_all();
}

static void in_vfork(char *self)
{
	if (vfork() == 0) {
		execl(self, self, "one", "vfork", (char *)NULL);
		_exit(1);
	}
	wait_all();
}

/* Opens its socket when its first parent has long gone and it is nobody's child. */
static void in_daemon(void)
{
	int gone[2];
	pid_t child;

	if (pipe(gone) < 0)
		exit(1);
	child = fork();
	if (child == 0) {
		char byte;

		setsid();
		if (fork() != 0)
			_exit(0);
		close(gone[1]);
		if (read(gone[0], &byte, 1) == 0)
			open_one("daemon");
		_exit(0);
	}
	waitpid(child, NULL, 0);
	close(gone[0]); /* gone[1] goes at exit */
}

enum { THREADS = 64, ROUNDS = 20 };
static atomic_int smc_sockets, other_sockets;
static pthread_barrier_t together;

static void *thread_main(void *argument)
{
	(void)argument;
	pthread_barrier_wait(&together);
	for (int i = 0; i < ROUNDS; i++) {
		int fd = socket(i % 2 ? AF_INET : AF_INET6, SOCK_STREAM, 0);

		atomic_fetch_add(fd >= 0 && is_smc(fd) ? &smc_sockets : &other_sockets, 1);
		close(fd);
	}
	return NULL;
}

static void in_threads(void)
{
	pthread_t threads[THREADS];

	pthread_barrier_init(&together, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, thread_main, NULL) != 0)
			exit(1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("threads: %d smc %d others\n", smc_sockets, other_sockets);
	fflush(stdout);
}

static void at_the_limit(void)
{
	struct rlimit limit, few;
	int fds[16], count = 0;

	getrlimit(RLIMIT_NOFILE, &limit);
	few = limit;
	few.rlim_cur = 8;
	setrlimit(RLIMIT_NOFILE, &few);
	while (count < 16 && (fds[count] = socket(AF_INET, SOCK_STREAM, 0)) >= 0)
		count++;
	tell("limit", fds[count]);
	dprintf(STDOUT_FILENO, "limit: highest %d\n", fds[count - 1]);
	while (count > 0)
		close(fds[--count]);
	setrlimit(RLIMIT_NOFILE, &limit);
	open_one("after limit");
}

static void flags(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_STREAM | SOCK_CLOEXEC, SOCK_STREAM | SOCK_NONBLOCK,
				     SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK };

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		int fd = socket(AF_INET, types[i], IPPROTO_TCP);

		printf("flags: number %d cloexec %d nonblock %d %s\n", fd, !!(fcntl(fd, F_GETFD) & FD_CLOEXEC),
		       !!(fcntl(fd, F_GETFL) & O_NONBLOCK), is_smc(fd) ? "smc" : "tcp");
		close(fd);
	}
	fflush(stdout);
}

static void lowest_number(void)
{
	int fd;

	close(STDIN_FILENO);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	dprintf(STDOUT_FILENO, "lowest: %d\n", fd);
}

static void ignore(int signal)
{
	(void)signal;
}

/* Signals rain on a thread that opens sockets. None may be lost, doubled or fail. */
static void under_signals(void)
{
	struct sigaction action = { .sa_handler = ignore, .sa_flags = SA_RESTART };
	pid_t parent = getpid();
	pid_t child;
	int good = 0, first, last;

	sigaction(SIGUSR1, &action, NULL);
	child = fork();
	if (child == 0)
		for (;;)
			if (kill(parent, SIGUSR1) < 0 || getppid() != parent)
				_exit(0);
	first = dup(0);
	close(first);
	for (int i = 0; i < 500; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		good += fd >= 0 && is_smc(fd);
		close(fd);
	}
	kill(child, SIGKILL);
	wait_all();
	last = dup(0);
	printf("signals: %d smc, %d leaked\n", good, last - first);
	fflush(stdout);
}

/* For a supervisor that dies: opens sockets for ever so often, until two in a row are TCP. */
static void until_tcp(void)
{
	bool before = true;

	open_one("first");
	for (;;) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		bool now;

		if (fd < 0) {
			tell("until", fd);
			return;
		}
		now = is_smc(fd);
		close(fd);
		if (!now && !before)
			break;
		before = now;
	}
	in_fork();
	open_one("last");
}

static void new_network(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		printf("network: errno %d\n", errno);
	fflush(stdout);
	open_one("network");
}

static void other_user(void)
{
	int fd;

	if (setgid(33) < 0 || setuid(33) < 0)
		exit(1);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	tell("user", fd);
	if (fd >= 0) {
		struct sockaddr_in any = { .sin_family = AF_INET };

		if (bind(fd, (struct sockaddr *)&any, sizeof any) == 0 && listen(fd, 1) == 0)
			raise(SIGSTOP); /* to be looked at */
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *what = argv[i];

		if (!strcmp(what, "one"))
			open_one(i + 1 < argc ? argv[++i] : "one");
		else if (!strcmp(what, "fork"))
			in_fork();
		else if (!strcmp(what, "vfork"))
			in_vfork(argv[0]);
		else if (!strcmp(what, "daemon"))
			in_daemon();
		else if (!strcmp(what, "threads"))
			in_threads();
		else if (!strcmp(what, "limit"))
			at_the_limit();
		else if (!strcmp(what, "flags"))
			flags();
		else if (!strcmp(what, "lowest"))
			lowest_number();
		else if (!strcmp(what, "signals"))
			under_signals();
		else if (!strcmp(what, "until-tcp"))
			until_tcp();
		else if (!strcmp(what, "network"))
			new_network();
		else if (!strcmp(what, "user"))
			other_user();
		else
			return 2;
	}
	return 0;
}
