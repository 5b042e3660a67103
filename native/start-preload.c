// SPDX-License-Identifier: MIT
/*
 * smc_run where Node cannot start: the plain way, by the preload library, with the options that are no more than a
 * variable for that library. The program is not looked at, so nothing is said if the library cannot reach it.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "start.h"

extern char **environ;

/* As src/commands/smc_run/replace.ts has them. */
enum { STATUS_FAILED = 1, STATUS_CANNOT_EXECUTE = 126, STATUS_NOT_FOUND = 127 };

enum { DEBUG = 'd', RCVBUF = 'r', SNDBUF = 't', NEEDS_NODE = 1 };

/* All options of smc_run, so that an abbreviation means the same. A test compares them with --help. */
static const struct option options[] = {
	{ "debug", no_argument, NULL, DEBUG },
	{ "rcvbuf", required_argument, NULL, RCVBUF },
	{ "sndbuf", required_argument, NULL, SNDBUF },
	{ "via", required_argument, NULL, NEEDS_NODE },
	{ "socket", required_argument, NULL, NEEDS_NODE },
	{ "strict", no_argument, NULL, NEEDS_NODE },
	{ "only", required_argument, NULL, NEEDS_NODE },
	{ "except", required_argument, NULL, NEEDS_NODE },
	{ "report", no_argument, NULL, NEEDS_NODE },
	{ "require-smc", no_argument, NULL, NEEDS_NODE },
	{ "log", required_argument, NULL, NEEDS_NODE },
	{ "json", no_argument, NULL, NEEDS_NODE },
	{ "enable", required_argument, NULL, NEEDS_NODE },
	{ "disable", required_argument, NULL, NEEDS_NODE },
	{ "disable-all", no_argument, NULL, NEEDS_NODE },
	{ "status", no_argument, NULL, NEEDS_NODE },
	{ "dry-run", no_argument, NULL, NEEDS_NODE },
	{ "preload-path", no_argument, NULL, NEEDS_NODE },
	{ "color", required_argument, NULL, NEEDS_NODE },
	{ "netns", required_argument, NULL, NEEDS_NODE },
	{ "help", no_argument, NULL, NEEDS_NODE },
	{ "version", no_argument, NULL, NEEDS_NODE },
	{ NULL, 0, NULL, 0 },
};

/* Bytes, or with k or m; 0 if it is no size that setsockopt(2) takes. */
static int size_of(const char *text)
{
	enum { SIZE_MAX_ = 0x7fffffff };
	unsigned long long bytes;
	char *end;

	if (!isdigit((unsigned char)*text))
		return 0;
	errno = 0;
	bytes = strtoull(text, &end, 10);
	if (errno || bytes > SIZE_MAX_)
		return 0;
	if (tolower((unsigned char)*end) == 'k')
		bytes <<= 10, end++;
	else if (tolower((unsigned char)*end) == 'm')
		bytes <<= 20, end++;
	return *end || bytes > SIZE_MAX_ ? 0 : (int)bytes;
}

/* The kernel silently caps the size at a limit of the whole host. Root may raise that, nobody else can. */
static void raise_limit(const struct command *command, const char *name, int bytes)
{
	char file[64], text[32] = "";
	int fd, limit;

	snprintf(file, sizeof file, "/proc/sys/net/core/%s", name);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return; /* not to be seen in this network namespace: the kernel decides */
	if (read(fd, text, sizeof text - 1) < 0)
		text[0] = '\0';
	close(fd);
	limit = atoi(text);
	if (bytes <= limit)
		return;
	fd = geteuid() == 0 ? open(file, O_WRONLY | O_CLOEXEC) : -1;
	if (fd >= 0 && dprintf(fd, "%d", bytes) > 0)
		say(command, "net.core.%s raised from %d to %d bytes, for the whole host until it reboots", name, limit, bytes);
	else
		say(command, "buffers are capped at net.core.%s = %d bytes; as root: sysctl -w net.core.%s=%d", name, limit, name,
		    bytes);
	if (fd >= 0)
		close(fd);
}

static void set_size(const struct command *command, const char *variable, const char *limit, int bytes)
{
	char text[16];

	if (!bytes)
		return;
	raise_limit(command, limit, bytes);
	snprintf(text, sizeof text, "%d", bytes);
	unsetenv(variable);
	setenv(variable, text, 1);
}

/* Whether a list for the loader has our library already, under whatever name. */
static bool has_library(const char *list, const char *library, const char *directory)
{
	static char copy[PATH_MAX * 4], real[PATH_MAX], own[PATH_MAX];
	size_t length;

	if (!realpath(directory, own))
		return false;
	length = strlen(own);
	snprintf(copy, sizeof copy, "%s", list);
	for (char *part = strtok(copy, " :"); part; part = strtok(NULL, " :"))
		if (!strcmp(part, library) ||
		    (strchr(part, '/') && realpath(part, real) && !strncmp(real, own, length) && real[length] == '/'))
			return true;
	return false;
}

/* Puts the library at the end of LD_PRELOAD. False where it is missing, or its path cannot be in such a list. */
static bool preload(const struct command *command)
{
	const char *list = getenv("LD_PRELOAD");
	static char plain[PATH_MAX + 32], library[PATH_MAX + 64], value[PATH_MAX * 5];

	snprintf(plain, sizeof plain, "%s/libsmc-preload.so", command->native);
	if (access(plain, R_OK) < 0) {
		say(command, "the preload library is missing (%s)", plain);
		return false;
	}
	if (strpbrk(plain, " :")) {
		say(command, "the path %s must not contain blanks or colons, LD_PRELOAD cannot hold it", plain);
		return false;
	}
	/* where the build has seen the loader choose between 64 and 32 bits */
	snprintf(library, sizeof library, "%s/preload", command->native);
	if (access(library, X_OK) == 0)
		strcat(library, "/$LIB/libsmc-preload.so");
	else
		strcpy(library, plain);
	while (list && *list && strchr(" :", *list))
		list++;
	if (list && *list && has_library(list, library, command->native))
		return true;
	if (snprintf(value, sizeof value, "%s%s%s", list ? list : "", list && *list ? ":" : "", library) >= (int)sizeof value) {
		say(command, "LD_PRELOAD is too long");
		return false;
	}
	unsetenv("LD_PRELOAD");
	return setenv("LD_PRELOAD", value, 1) == 0;
}

static bool is_directory(const char *file)
{
	struct stat stat_;

	return stat(file, &stat_) == 0 && S_ISDIR(stat_.st_mode);
}

/* A text file without #! line is a script of the shell, as for shells and execvp(3). */
static bool is_shell_text(const char *file)
{
	char start[80];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, start, sizeof start);

	if (fd >= 0)
		close(fd);
	return length > 0 && !memchr(start, '\0', (size_t)length);
}

/* Becomes this file. Returns a status with which the search is over, or 0; `refused` is the first that may not be run. */
static int become(const struct command *command, const char *file, char **argv, char refused[PATH_MAX])
{
	execve(file, argv, environ);
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		if (access(file, F_OK) < 0)
			return 0;
		say(command, "%s: its interpreter was not found", file);
		return STATUS_CANNOT_EXECUTE;
	case EACCES:
		if (!*refused)
			snprintf(refused, PATH_MAX, "%s", file);
		return 0;
	case ENOEXEC:
		if (is_shell_text(file)) {
			/* argv has room in front */
			argv[-1] = (char *)"/bin/sh";
			argv[0] = (char *)file;
			execve("/bin/sh", argv - 1, environ);
		}
		say(command, "%s: not a program for this machine (exec format error)", file);
		return STATUS_CANNOT_EXECUTE;
	case E2BIG:
		say(command, "%s: argument list too long", file);
		return STATUS_CANNOT_EXECUTE;
	default:
		say(command, "%s: %s", file, strerror(errno));
		return STATUS_CANNOT_EXECUTE;
	}
}

/* Becomes the program as execvp(3) would find it. */
static int become_program(const struct command *command, char **argv)
{
	static char file[PATH_MAX], refused[PATH_MAX];
	const char *name = argv[0], *path = getenv("PATH");
	int status;

	if (strchr(name, '/')) {
		status = become(command, name, argv, refused);
	} else {
		if (!path)
			path = "/bin:/usr/bin";
		for (status = 0; *name && !status;) {
			const char *end = strchrnul(path, ':');
			int length = (int)(end - path);

			if (snprintf(file, sizeof file, "%.*s/%s", length ? length : 1, length ? path : ".", name) < PATH_MAX)
				status = become(command, file, argv, refused);
			if (!*end)
				break;
			path = end + 1;
		}
	}
	if (status)
		return status;
	if (*refused) {
		say(command, is_directory(refused) ? "%s: is a directory" : "%s: permission denied", refused);
		return STATUS_CANNOT_EXECUTE;
	}
	say(command, "%s: command not found", *name ? name : "''");
	return STATUS_NOT_FOUND;
}

int run_preloaded(const struct command *command, int argc, char **argv, char **environment, const char *reason)
{
	int sizes[2] = { 0, 0 }, option;
	bool debug = false;

	environ = environment;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:dr:t:", options, NULL)) != -1) {
		int *size = &sizes[option == SNDBUF];

		switch (option) {
		case DEBUG:
			debug = true;
			break;
		case RCVBUF:
		case SNDBUF:
			*size = size_of(optarg);
			if (*size)
				break;
			say(command, "%s '%s' is not a size: give bytes, or a number with k or m",
			    option == RCVBUF ? "--rcvbuf" : "--sndbuf", optarg);
			return STATUS_FAILED;
		default:
			say(command, "Node.js cannot start: %s; without it there are no options but -d, -r and -t", reason);
			return STATUS_FAILED;
		}
	}
	if (optind == argc) {
		say(command, "Node.js cannot start: %s", reason);
		return STATUS_FAILED;
	}
	if (!preload(command))
		return STATUS_FAILED;
	say(command, "Node.js cannot start: %s; running the program with the preload library anyway", reason);
	if (debug) {
		unsetenv("SMC_DEBUG");
		setenv("SMC_DEBUG", "1", 1);
	}
	set_size(command, "SMC_RCVBUF", "rmem_max", sizes[0]);
	set_size(command, "SMC_SNDBUF", "wmem_max", sizes[1]);
	return become_program(command, argv + optind);
}
