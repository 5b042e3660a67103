// SPDX-License-Identifier: MIT
/*
 * Starts a command of smc-tools: it becomes Node with the command's script.
 *
 *     NAME [ARGUMENT...]                              this file beside NAME.js, or in dist/native/bin
 *     smc-start [--node NODE] SCRIPT [ARGUMENT...]    for scripts that start themselves
 *
 * In front of Node there has to be something that works where Node does not: memory that must not be made executable
 * (systemd's MemoryDenyWriteExecute, PR_SET_MDWE, SELinux) kills a Node with a JIT, little address space does too, and
 * where too few threads are allowed it hangs for ever. This program finds out and gives Node the options with which it
 * starts, or says in one line why it cannot. It takes less time than the env(1) of "#!/usr/bin/env node".
 *
 * smc_run needs more: what a process is given at its start and Node changes (start-state.c). And a program that is to
 * run over SMC is run even where Node cannot start (start-preload.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "start.h"

extern char **environ;

enum { STATUS_FAILED = 1, STATUS_USAGE = 2, STATUS_NOT_SMC = 123 };

/* Packages set the Node that they depend on. */
#ifndef SMC_NODE
#define SMC_NODE ""
#endif
#ifndef SMC_PLACES
#define SMC_PLACES "/usr/local/bin:/usr/bin"
#endif

void say(const struct command *command, const char *format, ...)
{
	static char text[PATH_MAX + 1024]; /* not on the stack, which may be the thing that is short */
	va_list values;
	int start = snprintf(text, sizeof text, "%s: ", command->name);
	size_t length;

	va_start(values, format);
	vsnprintf(text + start, sizeof text - 1 - (size_t)start, format, values);
	va_end(values);
	for (char *at = text; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	length = strlen(text);
	text[length++] = '\n';
	if (write(STDERR_FILENO, text, length) < 0)
		return; /* nobody to tell */
}

/* Cuts the last part off a path. */
static void cut(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

static bool put_path(char to[PATH_MAX], const char *directory, const char *name)
{
	int length = snprintf(to, PATH_MAX, "%s/%s", directory, name);

	return length > 0 && length < PATH_MAX;
}

/* This program's own file, links resolved. */
static bool own_file(char file[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", file, PATH_MAX - 1);

	if (length > 0) {
		file[length] = '\0';
		return file[0] == '/';
	}
	/* no /proc: as the kernel was told */
	return realpath((const char *)getauxval(AT_EXECFN), file);
}

/*
 * Finds script and C part from this program's own place: bin/NAME beside bin/NAME.js, or dist/native/bin/NAME.
 */
static bool find_package(struct command *command, const char *file)
{
	static char name[NAME_MAX + 1], directory[PATH_MAX], script[NAME_MAX + 4];

	snprintf(name, sizeof name, "%s", strrchr(file, '/') + 1);
	command->name = name;
	snprintf(script, sizeof script, "%s.js", name);
	strcpy(directory, file);
	cut(directory);
	if (!put_path(command->script, directory, script))
		return false;
	if (access(command->script, F_OK) == 0) {
		cut(directory);
		return put_path(command->native, directory, "dist/native");
	}
	cut(directory);
	strcpy(command->native, directory);
	cut(directory);
	cut(directory);
	strcat(directory, "/bin");
	return put_path(command->script, directory, script) && access(command->script, F_OK) == 0;
}

/* Of "smc-start SCRIPT": the script's name, links resolved, is that of the command. */
static void take_script(struct command *command, const char *file, const char *script)
{
	static char name[PATH_MAX];
	const char *slash;
	char *suffix;

	if (!realpath(script, command->script))
		snprintf(command->script, sizeof command->script, "%s", script);
	slash = strrchr(command->script, '/');
	strcpy(name, slash ? slash + 1 : command->script);
	suffix = strrchr(name, '.');
	if (suffix && !strcmp(suffix, ".js"))
		*suffix = '\0';
	command->name = name;
	strcpy(command->native, file);
	cut(command->native);
}

static bool is_program(const char *file)
{
	struct stat stat_;

	return stat(file, &stat_) == 0 && S_ISREG(stat_.st_mode) && access(file, X_OK) == 0;
}

/* Node takes its command line for UTF-8, and finds no script by a path that is not. */
static bool is_utf8(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at;) {
		const unsigned char first = *at++;
		int more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;

		if (first < 0x80)
			continue;
		if (first < 0xc2 || first > 0xf4)
			return false;
		while (more-- > 0)
			if ((*at++ & 0xc0) != 0x80)
				return false;
	}
	return true;
}

/* The descriptor that has what became of a program, if this is the end of a report; or -1. */
static int result_document(void)
{
	const char *number = getenv("SMC_RUN_RESULT");

	return number && *number ? atoi(number) : -1;
}

/*
 * Ends as the program did whose result stands in this document of smc-launch. What it ran over cannot be told here, so
 * --require-smc takes it for the worst.
 */
static int end_like_program(int document, char **options)
{
	static const struct rlimit none;
	char text[64] = "";
	int number;

	if (read(document, text, sizeof text - 1) < 0)
		return STATUS_FAILED;
	if (sscanf(text, "{\"status\":%d,", &number) == 1) {
		while (number == 0 && *options && strcmp(*options, "--"))
			if (!strcmp(*options++, "--require-smc"))
				number = STATUS_NOT_SMC;
		return number;
	}
	if (sscanf(text, "{\"status\":null,\"signal\":%d", &number) != 1)
		return STATUS_FAILED;
	setrlimit(RLIMIT_CORE, &none);
	signal(number, SIG_DFL);
	raise(number);
	return 128 + number;
}

static bool search(const char *path, char node[PATH_MAX])
{
	while (*path) {
		const char *end = strchrnul(path, ':');
		int length = (int)(end - path);

		if (snprintf(node, PATH_MAX, "%.*s/node", length ? length : 1, length ? path : ".") < PATH_MAX &&
		    is_program(node))
			return true;
		path = *end ? end + 1 : end;
	}
	return false;
}

static bool in_prefix(const char *native, char node[PATH_MAX])
{
	const char *end = strstr(native, "/lib/node_modules/smc-tools/");

	return end && snprintf(node, PATH_MAX, "%.*s/bin/node", (int)(end - native), native) < PATH_MAX;
}

/*
 * The Node of the package, else of PATH. That may be one that knows nothing of it (sudo, cron): then the one of the
 * prefix in which npm has put this package, PREFIX/lib/node_modules/smc-tools, or of the usual places.
 */
static bool find_node(const struct command *command, char node[PATH_MAX])
{
	const char *path = getenv("PATH");

	if (snprintf(node, PATH_MAX, "%s", SMC_NODE) > 0 && is_program(node))
		return true;
	if (path && search(path, node))
		return true;
	if (in_prefix(command->native, node) && is_program(node))
		return true;
	return search(SMC_PLACES, node);
}

/*
 * Where standard output is closed, Node would write to /dev/null, and nobody could tell that all is lost. So there is
 * something that nothing can be written to: the end of a pipe from which is read.
 */
static void fill_output(void)
{
	int ends[2];

	if (fcntl(STDOUT_FILENO, F_GETFD) >= 0 || errno != EBADF || pipe(ends))
		return;
	if (ends[0] != STDOUT_FILENO)
		dup2(ends[0], STDOUT_FILENO);
	for (int i = 0; i < 2; i++)
		if (ends[i] != STDOUT_FILENO)
			close(ends[i]);
}

/*
 * Node opens /dev/null where one of 0 to 2 is closed, and aborts if it cannot. In a file system without it, something
 * else has to be there that takes what is written and gives nothing.
 */
static void fill_streams(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		int filler;

		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF || access("/dev/null", R_OK | W_OK) == 0)
			continue;
		filler = memfd_create("null", 0);
		if (filler >= 0 && filler != fd) { /* cannot be: it is the lowest free number */
			dup2(filler, fd);
			close(filler);
		}
	}
}

static void become_node(const struct command *command, const char *node, const struct flags *flags, char **words,
			char **environment)
{
	int count = 0;
	char **argv;

	while (words[count])
		count++;
	argv = calloc((size_t)(count + flags->count + 3), sizeof *argv);
	if (!argv)
		return;
	count = 0;
	argv[count++] = (char *)node; /* without /proc it has nothing else to know its file by */
	for (int i = 0; i < flags->count; i++)
		argv[count++] = (char *)flags->list[i];
	argv[count++] = (char *)command->script;
	while (*words)
		argv[count++] = *words++;
	fill_output();
	fill_streams();
	execve(node, argv, environment);
}

/*
 * What is left where Node cannot start: smc_run becomes the program, or ends as its program did. `words` follow the
 * script, and there is one in front of them.
 */
static int do_without_node(const struct command *command, char **words, bool by_shell, const char *reason)
{
	const int document = result_document();
	int count = 0;

	if (!command->runs_programs || document >= 0) {
		say(command, "Node.js cannot start: %s", reason);
		return document >= 0 && command->runs_programs ? end_like_program(document, words) : STATUS_FAILED;
	}
	while (words[count])
		count++;
	return run_preloaded(command, count + 1, words - 1, given_environment(environ, by_shell), reason);
}

/* Node sets ignored signals back to what they do by default. So under nohup(1) the commands ignore SIGHUP themselves. */
static void tell_hangup(void)
{
	struct sigaction hangup;

	if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler == SIG_IGN)
		setenv("SMC_TOOLS_NOHUP", "1", 1);
	else
		unsetenv("SMC_TOOLS_NOHUP");
}

int main(int argc, char **argv)
{
	static struct command command;
	static char file[PATH_MAX], node[PATH_MAX], reason[REASON_SIZE];
	struct flags flags = { .count = 0 };
	char **words = argv + 1, **environment = environ;
	bool by_shell = false;

	command.name = "smc-start";
	if (!own_file(file)) {
		say(&command, "cannot find out where it is: mount /proc, or call it by its path");
		return STATUS_FAILED;
	}
	if (strcmp(strrchr(file, '/') + 1, "smc-start")) {
		if (!find_package(&command, file)) {
			say(&command,
			    "%s is part of the package smc-tools and does not work alone; install the package, or link to the file in it",
			    file);
			return STATUS_FAILED;
		}
	} else {
		if (argc > 3 && !strcmp(words[0], "--node")) {
			snprintf(node, sizeof node, "%s", words[1]);
			words += 2;
		}
		if (!*words || **words == '-') {
			say(&command, "it is called by the commands of smc-tools, with a script");
			return STATUS_USAGE;
		}
		take_script(&command, file, *words++);
		by_shell = getenv("SMC_RUN_STATE");
	}

	command.runs_programs = !strcmp(command.name, "smc_run");
	if (!command.runs_programs) {
		/* libuv starts four threads for a name that is looked up, and aborts if it cannot; one will do */
		setenv("UV_THREADPOOL_SIZE", "1", 0);
		/* of a Node that this one is no child of any more; it aborts where the descriptor is something else by now */
		unsetenv("NODE_CHANNEL_FD");
		tell_hangup();
		environment = environ;
	} else if (!by_shell && result_document() < 0) {
		environment = with_state(environ);
	}

	if (!is_utf8(command.script)) {
		snprintf(reason, sizeof reason, "%s is not UTF-8; install the package elsewhere", command.script);
	} else if (!*node && !find_node(&command, node)) {
		const char *path = getenv("PATH");

		snprintf(reason, sizeof reason, "there is no node in PATH (%s), nor where it usually is", path ? path : "which is not set");
	} else if (choose_flags(node, &flags, reason)) {
		if (getenv("SMC_TOOLS_DEBUG") && *reason)
			say(&command, "Node.js starts with %s: %s", flags.list[flags.count - 1], reason);
		become_node(&command, node, &flags, words, environment);
		snprintf(reason, sizeof reason, "%s: %s", node, strerror(errno));
	}
	return do_without_node(&command, words, by_shell, reason);
}
