// SPDX-License-Identifier: MIT
/*
 * Shows what a program inherits, and prepares an unusual inheritance to see whether it arrives.
 *
 *   exec-probe show [ARGUMENT...]    prints pid, arguments, signals, limits and descriptors, a line each
 *   exec-probe prepare COMMAND…      ignores SIGHUP and SIGRTMIN+6, blocks SIGUSR2 and SIGTERM, allows 300
 *                                    open files, opens descriptors 9, 12 and 40, makes stdin non-blocking, then
 *                                    execs COMMAND
 *   exec-probe quiet COMMAND…        execs COMMAND with default signals and an empty mask
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void show_bytes(const char *key, const char *bytes)
{
	printf("%s ", key);
	for (; *bytes; bytes++)
		printf(*bytes > ' ' && *bytes < 127 && *bytes != '\\' ? "%c" : "\\x%02x", (unsigned char)*bytes);
	putchar('\n');
}

static void show_status_lines(void)
{
	char line[256];
	FILE *status = fopen("/proc/self/status", "r");

	if (!status)
		return;
	while (fgets(line, sizeof line, status))
		if (!strncmp(line, "SigIgn", 6) || !strncmp(line, "SigBlk", 6) || !strncmp(line, "Threads", 7))
			fputs(line, stdout);
	fclose(status);
}

static int show(int argc, char **argv)
{
	struct rlimit limit;
	int environment = 0;

	printf("pid %d\n", (int)getpid());
	show_bytes("argv0", argv[0]);
	for (int i = 2; i < argc; i++)
		show_bytes("argument", argv[i]);
	for (char **entry = environ; *entry; entry++) {
		environment++;
		if (!strncmp(*entry, "PROBE", 5))
			show_bytes("env", *entry);
	}
	printf("environment %d\n", environment);
	show_status_lines();
	getrlimit(RLIMIT_NOFILE, &limit);
	printf("files %lu %lu\n", (unsigned long)limit.rlim_cur, (unsigned long)limit.rlim_max);
	for (int fd = 0; fd < 256; fd++) {
		int flags = fcntl(fd, F_GETFL);

		if (flags >= 0)
			printf("fd %d%s\n", fd, flags & O_NONBLOCK ? " nonblocking" : "");
	}
	return 0;
}

static void open_at(int wanted)
{
	int fd = open("/dev/null", O_RDONLY);

	if (fd != wanted) {
		dup2(fd, wanted);
		close(fd);
	}
}

static void prepare(void)
{
	struct rlimit limit;
	sigset_t mask;

	signal(SIGHUP, SIG_IGN);
	signal(SIGRTMIN + 6, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 300;
	setrlimit(RLIMIT_NOFILE, &limit);
	open_at(9);
	open_at(12);
	open_at(40);
	fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
}

static void quiet(void)
{
	sigset_t mask;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL); /* fails where it may not be changed, as it should */
	sigemptyset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

int main(int argc, char **argv)
{
	if (argc >= 2 && !strcmp(argv[1], "show"))
		return show(argc, argv);
	if (argc < 3) {
		fprintf(stderr, "usage: exec-probe show|prepare|quiet ...\n");
		return 2;
	}
	quiet();
	for (int fd = 3; fd < 256; fd++)
		close(fd); /* what the test runner left open */
	if (!strcmp(argv[1], "prepare"))
		prepare();
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
