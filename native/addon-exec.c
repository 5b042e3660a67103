// SPDX-License-Identifier: MIT
/*
 * execve(file, argv, env, state?)
 *
 * replaces the process, so that pid, parent, terminal, signals and exit status belong to the program that is
 * run and nothing of Node stays behind. It returns only by throwing.
 *
 * An exec keeps some of the process, and Node changed that part when it started: it ignores SIGPIPE and
 * SIGXFSZ and un-ignores the rest, sets the signal mask anew, raises the limit of open files, marks inherited
 * descriptors close-on-exec, and makes pipes non-blocking when process.stdout and its like are used. This is
 * put back right before the exec; what Node has overwritten and nobody can read any more comes in `state`.
 */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { STDIO_COUNT = 3, LAST_SIGNAL = 64 };

/* ---- O_NONBLOCK of stdin, stdout, stderr, as it was when this addon was loaded ---- */

/* It sits in the open file, which the shell that started us shares, so it is put back and not just cleared. */
static int stdio_flags_at_load[STDIO_COUNT];

__attribute__((constructor)) static void remember_stdio_flags(void)
{
	for (int fd = 0; fd < STDIO_COUNT; fd++)
		stdio_flags_at_load[fd] = fcntl(fd, F_GETFL); /* -1: not open */
}

/* ---- lists from JavaScript ---- */

static void free_list(char **list)
{
	if (!list)
		return;
	for (char **entry = list; *entry; entry++)
		free(*entry);
	free(list);
}

/* A NULL-terminated list from an array. */
static char **get_list(napi_env env, napi_value array, const char *type_text)
{
	bool is_array = false;
	uint32_t count;
	char **list;

	if (napi_is_array(env, array, &is_array) != napi_ok)
		return throw_unexpected(env), NULL;
	if (!is_array)
		return throw_type(env, type_text), NULL;
	if (napi_get_array_length(env, array, &count) != napi_ok)
		return throw_unexpected(env), NULL;
	list = calloc((size_t)count + 1, sizeof *list);
	if (!list) {
		throw_errno(env, ENOMEM, "execve", NULL);
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++) {
		napi_value value;

		if (napi_get_element(env, array, i, &value) != napi_ok) {
			throw_unexpected(env);
		} else {
			list[i] = get_bytes(env, value, type_text, "execve");
		}
		if (!list[i]) {
			free_list(list);
			return NULL;
		}
	}
	return list;
}

/* ---- `state`: what the process had before Node started ---- */

struct state {
	bool has_ignored, has_open_files;
	uint64_t ignored, blocked; /* bit n - 1 stands for signal n, as in /proc/<pid>/status */
	rlim_t open_files_soft;
	int *fds; /* allocated */
	uint32_t fd_count;
};

/* Sets *found to false where the property is missing or undefined. */
static bool get_property(napi_env env, napi_value object, const char *key, napi_value *value, bool *found)
{
	napi_valuetype type;

	if (napi_get_named_property(env, object, key, value) != napi_ok || napi_typeof(env, *value, &type) != napi_ok)
		return throw_unexpected(env);
	*found = type != napi_undefined;
	return true;
}

static bool get_signal_mask(napi_env env, napi_value state, const char *key, uint64_t *mask, bool *found)
{
	char text[64];
	napi_value value;
	napi_valuetype type;
	size_t length, digits;

	if (!get_property(env, state, key, &value, found))
		return false;
	if (!*found)
		return true;
	if (napi_typeof(env, value, &type) != napi_ok)
		return throw_unexpected(env);
	if (type != napi_string)
		return throw_type(env, "signal masks must be strings of hexadecimal digits");
	if (napi_get_value_string_utf8(env, value, text, sizeof text, &length) != napi_ok)
		return throw_unexpected(env);
	digits = strspn(text, "0123456789abcdefABCDEF");
	if (length == 0 || digits != length || length > LAST_SIGNAL / 4)
		return throw_range(env, "signal masks must be 1 to 16 hexadecimal digits");
	*mask = strtoull(text, NULL, 16);
	return true;
}

/* A whole number from 0 to `max`, which has to be at most 2^53. */
static bool get_whole(napi_env env, napi_value value, double max, double *number, const char *text)
{
	napi_valuetype type;

	if (napi_typeof(env, value, &type) != napi_ok)
		return throw_unexpected(env);
	if (type != napi_number)
		return throw_type(env, text);
	if (napi_get_value_double(env, value, number) != napi_ok)
		return throw_unexpected(env);
	if (!(*number >= 0 && *number <= max) || *number != (double)(uint64_t)*number)
		return throw_range(env, text);
	return true;
}

static bool get_fds(napi_env env, napi_value array, struct state *state)
{
	static const char text[] = "state.inheritedFds must be an array of file descriptors";
	bool is_array = false;
	uint32_t count;

	if (napi_is_array(env, array, &is_array) != napi_ok)
		return throw_unexpected(env);
	if (!is_array)
		return throw_type(env, text);
	if (napi_get_array_length(env, array, &count) != napi_ok)
		return throw_unexpected(env);
	state->fds = calloc((size_t)count + 1, sizeof *state->fds);
	if (!state->fds) {
		throw_errno(env, ENOMEM, "execve", NULL);
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		napi_value value;
		double fd;

		if (napi_get_element(env, array, i, &value) != napi_ok)
			return throw_unexpected(env);
		if (!get_whole(env, value, INT32_MAX, &fd, text))
			return false;
		state->fds[i] = (int)fd;
	}
	state->fd_count = count;
	return true;
}

static bool get_state(napi_env env, napi_value object, struct state *state)
{
	const double max_safe_integer = 9007199254740991.0;
	napi_valuetype type;
	napi_value value;
	double number;
	bool found;

	if (napi_typeof(env, object, &type) != napi_ok)
		return throw_unexpected(env);
	if (type == napi_undefined)
		return true;
	if (type != napi_object)
		return throw_type(env, "state must be an object");

	if (!get_signal_mask(env, object, "ignoredSignals", &state->ignored, &state->has_ignored) ||
	    !get_signal_mask(env, object, "blockedSignals", &state->blocked, &found) ||
	    !get_property(env, object, "openFilesSoft", &value, &state->has_open_files))
		return false;
	if (state->has_open_files) {
		if (!get_whole(env, value, max_safe_integer, &number, "state.openFilesSoft must be a number of files"))
			return false;
		state->open_files_soft = (rlim_t)number;
	}
	if (!get_property(env, object, "inheritedFds", &value, &found))
		return false;
	return !found || get_fds(env, value, state);
}

/* ---- putting the process back, and undoing that if the exec fails ---- */

struct undo {
	bool has_mask, has_limit;
	sigset_t mask;
	struct rlimit limit;
	bool has_action[LAST_SIGNAL + 1];
	struct sigaction actions[LAST_SIGNAL + 1];
	int stdio_flags[STDIO_COUNT]; /* -1: unchanged */
};

/*
 * 32 and 33 belong to the threads of the C library; SIGKILL and SIGSTOP are always as they are. A program
 * would find them set by no shell.
 */
static bool may_change(int signal_number)
{
	return signal_number != SIGKILL && signal_number != SIGSTOP && signal_number != 32 && signal_number != 33;
}

static bool has_signal(uint64_t mask, int signal_number)
{
	return mask >> (signal_number - 1) & 1;
}

static void set_disposition(int signal_number, bool ignore, struct undo *undo)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_handler = ignore ? SIG_IGN : SIG_DFL;
	undo->has_action[signal_number] = sigaction(signal_number, &action, &undo->actions[signal_number]) == 0;
}

/*
 * Handlers need no care, an exec resets them. Node turned what was ignored among signals 1 to 31 into the
 * default, and left the real-time signals, so those are touched only where the caller knows better.
 */
static void restore_dispositions(const struct state *state, struct undo *undo)
{
	for (int number = 1; number <= LAST_SIGNAL; number++) {
		bool ignore = has_signal(state->ignored, number);

		if (!may_change(number))
			continue;
		if (ignore || number == SIGPIPE || number == SIGXFSZ)
			set_disposition(number, ignore, undo);
		else if (state->has_ignored && number >= 34)
			set_disposition(number, false, undo);
	}
}

static void restore_mask(const struct state *state, struct undo *undo)
{
	sigset_t mask;

	sigemptyset(&mask);
	for (int number = 1; number <= LAST_SIGNAL; number++)
		if (has_signal(state->blocked, number) && may_change(number))
			sigaddset(&mask, number);
	undo->has_mask = sigprocmask(SIG_SETMASK, &mask, &undo->mask) == 0;
}

static void restore_open_files(const struct state *state, struct undo *undo)
{
	struct rlimit limit;

	if (!state->has_open_files || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	undo->limit = limit;
	limit.rlim_cur = state->open_files_soft < limit.rlim_max ? state->open_files_soft : limit.rlim_max;
	undo->has_limit = setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static void keep_open(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags >= 0 && (flags & FD_CLOEXEC))
		fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC);
}

static void restore_stdio_blocking(struct undo *undo)
{
	for (int fd = 0; fd < STDIO_COUNT; fd++) {
		int before = stdio_flags_at_load[fd];
		int now = fcntl(fd, F_GETFL);

		undo->stdio_flags[fd] = -1;
		if (before < 0 || now < 0 || !((before ^ now) & O_NONBLOCK))
			continue;
		if (fcntl(fd, F_SETFL, now ^ O_NONBLOCK) == 0)
			undo->stdio_flags[fd] = now;
	}
}

/* The mask comes last: from then on a signal meets the dispositions that the new program would have met. */
static void restore_process(const struct state *state, struct undo *undo)
{
	memset(undo, 0, sizeof *undo);
	for (int fd = 0; fd < STDIO_COUNT; fd++)
		keep_open(fd);
	for (uint32_t i = 0; i < state->fd_count; i++)
		keep_open(state->fds[i]);
	restore_stdio_blocking(undo);
	restore_open_files(state, undo);
	restore_dispositions(state, undo);
	restore_mask(state, undo);
}

/* Back to what Node relies on. Descriptors stay inheritable: harmless for a process that prints an error and ends. */
static void undo_restore(const struct undo *undo)
{
	if (undo->has_mask)
		sigprocmask(SIG_SETMASK, &undo->mask, NULL);
	for (int number = 1; number <= LAST_SIGNAL; number++)
		if (undo->has_action[number])
			sigaction(number, &undo->actions[number], NULL);
	if (undo->has_limit)
		setrlimit(RLIMIT_NOFILE, &undo->limit);
	for (int fd = 0; fd < STDIO_COUNT; fd++)
		if (undo->stdio_flags[fd] >= 0)
			fcntl(fd, F_SETFL, undo->stdio_flags[fd]);
}

/* ---- execve(file, argv, env, state?) ---- */

static void replace_process(napi_env env, const char *file, char **argv, char **envp, const struct state *state)
{
	struct undo undo;
	int error;

	restore_process(state, &undo);
	execve(file, argv, envp);
	error = errno;
	undo_restore(&undo);
	throw_errno(env, error, "execve", NULL);
}

napi_value js_execve(napi_env env, napi_callback_info info)
{
	struct state state = { 0 };
	size_t argc = 4;
	napi_value args[4]; /* missing ones are undefined */
	char *file = NULL, **argv = NULL, **envp = NULL;

	if (napi_get_cb_info(env, info, &argc, args, NULL, NULL) != napi_ok)
		return throw_unexpected(env), NULL;
	if ((file = get_bytes(env, args[0], "file must be a string or a Uint8Array", "execve")) &&
	    (argv = get_list(env, args[1], "argv must be an array of strings or Uint8Arrays")) &&
	    (envp = get_list(env, args[2], "env must be an array of strings or Uint8Arrays")) &&
	    get_state(env, args[3], &state)) {
		/* Programs take argv[0] for granted; some kernels run them without, some put in an empty one. */
		if (argv[0])
			replace_process(env, file, argv, envp, &state);
		else
			throw_errno(env, EINVAL, "execve", "argv is empty");
	}
	free(state.fds);
	free_list(envp);
	free_list(argv);
	free(file);
	return NULL;
}
