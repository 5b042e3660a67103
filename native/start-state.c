// SPDX-License-Identifier: MIT
/*
 * What smc_run was given when it started, for the program that it becomes. Node changes signals, limits and descriptors
 * before any JavaScript runs, so it is told by SMC_RUN_STATE (src/host/process-state.ts), in the form that the shell part
 * of bin/smc_run.js writes as well, which takes the place of this program where it was not built.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "start.h"

static const char state_variable[] = "SMC_RUN_STATE=";

/* Meant for the program: with --inspect-brk our own Node would wait for a debugger. */
static const char *const for_program[] = { "NODE_OPTIONS=", "NODE_CHANNEL_FD=" };

/* Longest variable that the kernel takes (MAX_ARG_STRLEN, 32 pages of 4 KiB at least), its name included. */
enum { VARIABLE_MAX = 131072 - 1 };

static bool begins_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

/* sigaction(2) of the kernel; the one of the C library hides the signals that it uses itself. */
struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

enum { SIGNALS = 64 };

static uint64_t ignored_signals(void)
{
	uint64_t ignored = 0;

	for (int number = 1; number <= SIGNALS; number++) {
		struct kernel_sigaction action;

		memset(&action, 0, sizeof action);
		if (syscall(SYS_rt_sigaction, number, NULL, &action, sizeof action.mask) == 0 && action.handler == SIG_IGN)
			ignored |= UINT64_C(1) << (number - 1);
	}
	return ignored;
}

static uint64_t blocked_signals(void)
{
	uint64_t blocked = 0;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, sizeof blocked);
	return blocked;
}

/* Open descriptors from 3 on, each with a blank in front. */
static void list_descriptors(FILE *to)
{
	enum { PROBED = 1024 };
	DIR *directory = opendir("/proc/self/fd");

	if (directory) {
		for (struct dirent *entry; (entry = readdir(directory));) {
			int fd = atoi(entry->d_name);

			if (fd > STDERR_FILENO && fd != dirfd(directory))
				fprintf(to, " %d", fd);
		}
		closedir(directory);
		return;
	}
	for (int fd = STDERR_FILENO + 1; fd < PROBED; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			fprintf(to, " %d", fd);
}

static void put_hex(FILE *to, const char *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < length; i++) {
		putc(digits[(unsigned char)bytes[i] >> 4], to);
		putc(digits[(unsigned char)bytes[i] & 0xf], to);
	}
}

/* As /proc/PID/status and limits have it. */
static int describe(char *to, size_t size)
{
	struct rlimit files;
	int length = snprintf(to, size, "SigIgn:\t%016" PRIx64 "\nSigBlk:\t%016" PRIx64 "\n", ignored_signals(),
			      blocked_signals());

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY)
		length += snprintf(to + length, size - (size_t)length, "Max open files %llu\n",
				   (unsigned long long)files.rlim_cur);
	return length;
}

static bool is_for_program(const char *entry)
{
	for (size_t i = 0; i < COUNT(for_program); i++)
		if (begins_with(entry, for_program[i]))
			return true;
	return false;
}

/*
 * All of the environment, if the state has room for it. If not, what Node finds in its own is the rest.
 */
static void put_variables(FILE *to, char **environment, bool all)
{
	for (char **entry = environment; *entry; entry++)
		if (all || is_for_program(*entry))
			put_hex(to, *entry, strlen(*entry) + 1);
}

char **with_state(char **environment)
{
	char *state = NULL, text[160];
	size_t size, count = 0, bytes = 0;
	FILE *to = open_memstream(&state, &size);
	int length = describe(text, sizeof text);
	char **list, **at;
	bool fits;

	for (char **entry = environment; *entry; entry++, count++)
		bytes += strlen(*entry) + 1;
	list = calloc(count + 2, sizeof *list);
	if (!to || !list)
		return environment;
	fprintf(to, "%sclosed=", state_variable);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			fprintf(to, " %d", fd);
	fputs(",fds=", to);
	list_descriptors(to);
	fflush(to);
	/* two digits a byte, and the words in between */
	fits = size + 2 * (bytes + (size_t)length) + sizeof ",more=,status=" < VARIABLE_MAX;
	if (!fits) {
		fputs(",more=", to);
		put_variables(to, environment, false);
	}
	fputs(fits ? ",all=" : ",status=", to);
	if (fits)
		put_variables(to, environment, true);
	put_hex(to, text, (size_t)length);
	if (fclose(to) != 0)
		return environment;

	at = list;
	for (char **entry = environment; *entry; entry++)
		if (!begins_with(*entry, state_variable) && !is_for_program(*entry))
			*at++ = *entry;
	*at = state;
	return list;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What stands behind "all=" in the state: strings, and behind the last of them text that is no variable. */
static char **decode(const char *state)
{
	const char *from = strstr(state, ",all=");
	char *bytes, *to, **list, **at;
	size_t count = 0;

	if (!from)
		return NULL;
	from += strlen(",all=");
	bytes = malloc(strlen(from) / 2 + 1);
	if (!bytes)
		return NULL;
	to = bytes;
	for (; *from; from++)
		if (digit(from[0]) >= 0 && digit(from[1]) >= 0) {
			*to = (char)(digit(from[0]) << 4 | digit(from[1]));
			count += !*to++;
			from++;
		}
	list = calloc(count + 1, sizeof *list);
	if (!list)
		return NULL;
	at = list;
	for (char *entry = bytes; count > 0; count--, entry += strlen(entry) + 1)
		*at++ = entry;
	return list;
}

char **given_environment(char **environment, bool by_shell)
{
	const char *state = getenv("SMC_RUN_STATE");
	char **list = by_shell && state ? decode(state) : NULL;
	char **to = environment;

	if (list)
		environment = to = list;
	for (char **from = environment; *from; from++)
		if (!begins_with(*from, state_variable))
			*to++ = *from;
	*to = NULL;
	return environment;
}
