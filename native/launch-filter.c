// SPDX-License-Identifier: MIT
/*
 * The seccomp filter: which system calls are reported, in which ABI, and what the kernel needs for that.
 *
 * The filter looks at registers only. Where programs open sockets through socketcall(2), whose arguments are in
 * memory (s390x, 32-bit x86), it reports the call, and the supervisor reads them. A program that changes them
 * meanwhile only fools itself: it gets a socket that it may have anyway.
 */
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>

#include "launch.h"

enum { SOCKETCALL_SOCKET = 1 }; /* linux/net.h SYS_SOCKET */

/* Calls by number; -1: does not exist. From the kernel's tables of system calls. */
struct abi {
	uint32_t arch;
	int socket, socketcall, close, exit_group;
	unsigned int long_size;
};

/* The x32 ABI shares its mark with x86-64, and has its numbers with bit 30 set: none of ours, so it is let through. */
static const struct abi abis[] = {
#if defined(__x86_64__) || defined(__i386__)
	{ AUDIT_ARCH_X86_64, 41, -1, 3, 231, 8 },
	{ AUDIT_ARCH_I386, 359, 102, 6, 252, 4 },
#elif defined(__aarch64__) || defined(__arm__)
	{ AUDIT_ARCH_AARCH64, 198, -1, 57, 94, 8 },
	{ AUDIT_ARCH_ARM, 281, -1, 6, 248, 4 },
#elif defined(__s390__)
	{ AUDIT_ARCH_S390X, 359, 102, 6, 248, 8 },
	{ AUDIT_ARCH_S390, 359, 102, 6, 248, 4 },
#elif defined(__riscv) && __riscv_xlen == 64
	{ AUDIT_ARCH_RISCV64, 198, -1, 57, 94, 8 },
#elif defined(__powerpc64__) && __BYTE_ORDER == __LITTLE_ENDIAN
	{ AUDIT_ARCH_PPC64LE, 326, 102, 6, 234, 8 },
#else
	{ 0, -1, -1, -1, -1, sizeof(long) }, /* an unknown machine: try_kernel() says so */
#endif
};

static const struct abi *abi_of(const struct seccomp_data *data)
{
	for (size_t i = 0; i < COUNT(abis); i++)
		if (abis[i].arch == data->arch)
			return &abis[i];
	return NULL;
}

enum call_kind kind_of_call(const struct seccomp_data *data)
{
	const struct abi *abi = abi_of(data);

	if (!abi)
		return CALL_OTHER;
	if (data->nr == abi->socket)
		return CALL_SOCKET;
	if (data->nr == abi->socketcall)
		return CALL_SOCKETCALL;
	if (data->nr == abi->close)
		return CALL_CLOSE;
	return data->nr == abi->exit_group ? CALL_EXIT : CALL_OTHER;
}

unsigned int long_size(const struct seccomp_data *data)
{
	const struct abi *abi = abi_of(data);

	return abi ? abi->long_size : (unsigned int)sizeof(long);
}

/* ---- the program ---- */

struct program {
	unsigned short length;
	struct sock_filter code[128];
};

static void add(struct program *program, unsigned int code, uint32_t k, unsigned int if_true, unsigned int if_false)
{
	program->code[program->length++] =
		(struct sock_filter)BPF_JUMP((unsigned short)code, k, (unsigned char)if_true, (unsigned char)if_false);
}

static void load(struct program *program, size_t offset)
{
	add(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* The kernel takes the low half of a register for an int; programs leave anything in the other. */
static void load_argument(struct program *program, int number)
{
	size_t offset = offsetof(struct seccomp_data, args[number]);

	load(program, __BYTE_ORDER == __BIG_ENDIAN ? offset + 4 : offset);
}

static void end_with(struct program *program, uint32_t action)
{
	add(program, BPF_RET | BPF_K, action, 0, 0);
}

/* If what was loaded is this call, it is reported. */
static void report_call(struct program *program, int number)
{
	if (number < 0)
		return;
	add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
	end_with(program, SECCOMP_RET_USER_NOTIF);
}

/* Goes on only with one of these values, and lets the call through with any other. */
static void demand_one_of(struct program *program, const uint32_t *values, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		add(program, BPF_JMP | BPF_JEQ | BPF_K, values[i], count - i, 0);
	end_with(program, SECCOMP_RET_ALLOW);
}

/* From here on only if what was loaded is this value; returns the place of the jump for skip_to_here(). */
static unsigned short begin_if(struct program *program, uint32_t value)
{
	add(program, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 0);
	return program->length;
}

static void end_if(struct program *program, unsigned short begin)
{
	program->code[begin - 1].jf = (unsigned char)(program->length - begin);
}

static void add_abi(struct program *program, const struct abi *abi, bool observe)
{
	static const uint32_t tcp_families[] = { AF_INET, AF_INET6, AF_SMC };
	static const uint32_t stream[] = { SOCK_STREAM };
	static const uint32_t protocols[] = { 0, IPPROTO_TCP, PROTOCOL_SMC, 1 /* of AF_SMC: over IPv6 */ };
	static const uint32_t socketcalls[] = { SOCKETCALL_SOCKET };
	unsigned short this_arch, this_call;

	load(program, offsetof(struct seccomp_data, arch));
	this_arch = begin_if(program, abi->arch);
	load(program, offsetof(struct seccomp_data, nr));
	if (observe) {
		report_call(program, abi->close);
		report_call(program, abi->exit_group);
	}
	this_call = begin_if(program, (uint32_t)abi->socket);
	load_argument(program, 0);
	demand_one_of(program, tcp_families, observe ? 3 : 2);
	load_argument(program, 1);
	add(program, BPF_ALU | BPF_AND | BPF_K, SOCKET_TYPE_MASK, 0, 0);
	demand_one_of(program, stream, 1);
	load_argument(program, 2);
	demand_one_of(program, protocols, observe ? 4 : 2);
	end_with(program, SECCOMP_RET_USER_NOTIF);
	end_if(program, this_call);
	if (abi->socketcall >= 0) {
		this_call = begin_if(program, (uint32_t)abi->socketcall);
		load_argument(program, 0);
		demand_one_of(program, socketcalls, 1);
		end_with(program, SECCOMP_RET_USER_NOTIF);
		end_if(program, this_call);
	}
	end_with(program, SECCOMP_RET_ALLOW);
	end_if(program, this_arch);
}

/* ---- installation ---- */

static int seccomp(unsigned int operation, unsigned long flags, void *argument)
{
	return (int)syscall(SYS_seccomp, (long)operation, (long)flags, argument);
}

/*
 * Without CAP_SYS_ADMIN the kernel wants no_new_privs first. With it we leave that alone, so that setuid programs
 * go on working. A task in the hands of the supervisor shall not be torn out of socket() by a signal, if the kernel
 * can see to that.
 */
static int install(struct program *program)
{
	static const unsigned long flags[] = {
		SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		SECCOMP_FILTER_FLAG_NEW_LISTENER,
	};
	struct sock_fprog filter = { program->length, program->code };
	int listener = -1;

	for (size_t i = 0; i < COUNT(flags) && listener < 0; i++) {
		listener = seccomp(SECCOMP_SET_MODE_FILTER, flags[i], &filter);
		if (listener < 0 && errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0)
			listener = seccomp(SECCOMP_SET_MODE_FILTER, flags[i], &filter);
		if (listener < 0 && errno != EINVAL)
			break;
	}
	return listener;
}

int install_filter(const struct options *options)
{
	struct program program = { 0 };

	for (size_t i = 0; i < COUNT(abis); i++)
		add_abi(&program, &abis[i], options->observe);
	end_with(&program, SECCOMP_RET_ALLOW);
	return install(&program);
}

/* ---- what this kernel can do ---- */

/* Tried with a call number that does not exist: ENOENT says that everything else about the question was right. */
bool knows_addfd(int listener, unsigned int flags)
{
	struct seccomp_notif_addfd question = { .id = 0, .flags = flags, .srcfd = (uint32_t)listener };

	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &question) == 0 || errno == ENOENT;
}

enum missing try_kernel(void)
{
	struct program program = { 0 };
	uint32_t action = SECCOMP_RET_USER_NOTIF;
	int listener;

	if (abis[0].socket < 0)
		return MISSING_TABLE;
	end_with(&program, SECCOMP_RET_ALLOW);
	listener = install(&program);
	if (listener >= 0)
		return knows_addfd(listener, SECCOMP_ADDFD_FLAG_SEND) ? MISSING_NOTHING
		       : knows_addfd(listener, 0)		      ? MISSING_ADDFD_SEND
								      : MISSING_ADDFD;
	switch (errno) {
	case ENOSYS:
		return MISSING_SECCOMP;
	case EBUSY:
		return MISSING_TURN;
	case EPERM:
	case EACCES:
		return MISSING_PERMISSION;
	case EINVAL:
		return seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 ? MISSING_LISTENER : MISSING_SECCOMP;
	default:
		return MISSING_OTHER;
	}
}

bool is_usable(enum missing what)
{
	return what == MISSING_NOTHING || what == MISSING_ADDFD_SEND;
}

const char *name_missing(enum missing what)
{
	switch (what) {
	case MISSING_NOTHING:
	case MISSING_ADDFD_SEND:
		return "nothing is missing";
	case MISSING_SECCOMP:
		return "the kernel has no seccomp filters (CONFIG_SECCOMP_FILTER)";
	case MISSING_LISTENER:
		return "the kernel has no seccomp notifications (SECCOMP_RET_USER_NOTIF), they came with Linux 5.0";
	case MISSING_ADDFD:
		return "the kernel cannot put a socket into another process (SECCOMP_IOCTL_NOTIF_ADDFD), "
		       "that came with Linux 5.9";
	case MISSING_PERMISSION:
		return "seccomp filters are forbidden here";
	case MISSING_TURN:
		return "these processes have a seccomp supervisor already, as under another smc_run, and there can be "
		       "only one";
	case MISSING_TABLE:
		return "the system calls of this machine are not known to smc-launch";
	case MISSING_OTHER:
		break;
	}
	return "the kernel refused a seccomp filter";
}
