// SPDX-License-Identifier: MIT
/*
 * Plays an older kernel: execs a command for which a system call fails with an errno when an argument has a value.
 *
 *   without CALL ARGUMENT VALUE ERRNO COMMAND…     numbers; ARGUMENT -1: whatever the arguments
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned int call = argc > 5 ? (unsigned int)strtoul(argv[1], NULL, 0) : 0;
	int argument = argc > 5 ? atoi(argv[2]) : 0;
	unsigned int value = argc > 5 ? (unsigned int)strtoul(argv[3], NULL, 0) : 0;
	unsigned int error = argc > 5 ? (unsigned int)atoi(argv[4]) : 0;
	/* the low half of the register, on little endian: for the tests' machine */
	unsigned int offset = argument < 0 ? offsetof(struct seccomp_data, nr)
					   : (unsigned int)offsetof(struct seccomp_data, args) + 8 * (unsigned int)argument;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, argument < 0 ? call : value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };

	if (argc < 6 || prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0 ||
	    prctl(PR_SET_SECCOMP, (long)SECCOMP_MODE_FILTER, &program) < 0) {
		perror("without");
		return 1;
	}
	execvp(argv[5], argv + 5);
	perror(argv[5]);
	return 1;
}
