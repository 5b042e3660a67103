// SPDX-License-Identifier: MIT
/*
 * Becomes a program in a place where memory must not be made executable:
 *
 *     places mdwe PROGRAM [ARGUMENT...]      by prctl(2), since Linux 6.3; status 77 if this kernel does not have it
 *     places filter PROGRAM [ARGUMENT...]    by a filter like that of systemd's MemoryDenyWriteExecute
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

enum { NOT_HERE = 77, FAILED = 99 };

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF_CALL(number, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, skip)
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define PROTECTION (offsetof(struct seccomp_data, args[2]) + 4)
#else
#define PROTECTION offsetof(struct seccomp_data, args[2])
#endif

/* mmap() with both, mprotect() and pkey_mprotect() to executable. */
static int refuse_by_filter(void)
{
	struct sock_filter code[] = {
		LOAD(nr),
		IF_CALL(SYS_mmap, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PROTECTION),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROT_WRITE | PROT_EXEC, 0, 1),
		REFUSE,
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 1, 0),
		IF_CALL(SYS_pkey_mprotect, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PROTECTION),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
		REFUSE,
		ALLOW,
	};
	struct sock_fprog program = { .len = sizeof code / sizeof *code, .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return FAILED;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0 ? FAILED : 0;
}

static int refuse_by_kernel(void)
{
	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0)
		return 0;
	return errno == EINVAL ? NOT_HERE : FAILED;
}

int main(int argc, char **argv)
{
	int status;

	if (argc < 3)
		return FAILED;
	status = !strcmp(argv[1], "mdwe") ? refuse_by_kernel() : refuse_by_filter();
	if (status)
		return status;
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return FAILED;
}
