// SPDX-License-Identifier: MIT
/*
 * subreaper PROGRAM ARGUMENT...: starts a program and adopts all processes that it leaves behind, even those in other sessions.
 * When standard input ends, it kills the program. It ends when no descendant is left.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char byte;
	pid_t program;

	if (argc < 2 || prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L) < 0)
		return 2;
	signal(SIGCHLD, SIG_IGN); /* children that end are reaped automatically */
	program = fork();
	if (program == 0) {
		signal(SIGCHLD, SIG_DFL);
		execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	if (program < 0)
		return 2;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	kill(program, SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 0;
}
