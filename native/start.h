/* SPDX-License-Identifier: MIT */
/* The parts of smc-start; what it is for is told in smc-start.c. */
#ifndef SMC_START_H
#define SMC_START_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The command that is started, and where its package is. */
struct command {
	const char *name; /* "smcss" */
	bool runs_programs; /* it is smc_run */
	char script[PATH_MAX]; /* what Node is to run */
	char native[PATH_MAX]; /* directory of the C part */
};

/* Options for Node, in front of the script. */
struct flags {
	const char *list[8];
	int count;
};

enum { REASON_SIZE = PATH_MAX + 256 };

/* A line on stderr that begins with the command's name. Control characters are replaced. */
void say(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * start-limits.c: finds the options with which this Node can start in this place. False if it cannot start at all;
 * `reason` then tells why, in words that fit behind a colon.
 */
bool choose_flags(const char *node, struct flags *flags, char reason[REASON_SIZE]);

/* start-state.c: the environment for Node, in which SMC_RUN_STATE tells what this process was given. */
char **with_state(char **environment);
/*
 * The environment that a program gets: this one without SMC_RUN_STATE, or the one that it holds, if the shell part of
 * smc_run.js has written it.
 */
char **given_environment(char **environment, bool by_shell);

/* start-preload.c: becomes the program with the preload library in it, without Node. Returns an exit status. */
int run_preloaded(const struct command *command, int argc, char **argv, char **environment, const char *reason);

#endif
