/* SPDX-License-Identifier: MIT */
/* The parts of smc-launch; what it is and how its processes hang together is told in smc-launch.c. */
#ifndef SMC_LAUNCH_H
#define SMC_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/seccomp.h>

#ifndef AF_SMC
#define AF_SMC 43 /* linux/socket.h, since 4.11 */
#endif
enum { PROTOCOL_SMC = 256 };	 /* linux/in.h IPPROTO_SMC, since 6.11 */
enum { SOCKET_TYPE_MASK = 0xf }; /* linux/net.h: the rest of `type` are flags */

/* linux/seccomp.h of kernels before these came */
#ifndef SECCOMP_IOCTL_NOTIF_ADDFD /* 5.9 */
struct seccomp_notif_addfd {
	uint64_t id;
	uint32_t flags, srcfd, newfd, newfd_flags;
};
#define SECCOMP_IOCTL_NOTIF_ADDFD SECCOMP_IOW(3, struct seccomp_notif_addfd)
#endif
#ifndef SECCOMP_ADDFD_FLAG_SEND /* 5.14 */
#define SECCOMP_ADDFD_FLAG_SEND (1UL << 1)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV /* 5.19 */
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS /* 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, uint64_t)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { NAME_SIZE = 16 }; /* TASK_COMM_LEN */

struct words {
	char **list;
	int count;
};

struct options {
	enum { CONVERT_NONE, CONVERT_AF_SMC, CONVERT_INET, CONVERT_AUTO } convert;
	bool strict, debug, observe;
	int sndbuf, rcvbuf; /* bytes, 0: the kernel's default */
	struct words only, except; /* patterns */
	int log_fd; /* -1: none */
	struct words finish; /* program and arguments to become at the end */
};

/* ---- what is counted; the supervisor writes it, the waiting process reads it ---- */

enum mode { MODE_UNKNOWN, MODE_SMCR, MODE_SMCD, MODE_TCP };

struct refusal {
	int error;
	uint64_t count;
};

/* Connections of one command with one outcome. */
struct outcome {
	char command[NAME_SIZE];
	enum mode mode;
	uint32_t reason, diagnosis; /* 0: none */
	uint64_t count;
};

struct results {
	uint64_t smc, tcp; /* sockets */
	unsigned int refusals, outcomes;
	struct refusal refusal[32];
	struct outcome outcome[256];
};

/* Memory that all processes of smc-launch share. */
struct shared {
	/*
	 * The kernel writes the call that it hands to the supervisor right here. So when the supervisor is killed, at
	 * any moment, the guard knows which call is still without an answer.
	 */
	union {
		struct seccomp_notif call;
		unsigned char room[1024];
	};
	struct results results;
};

/* ---- launch-filter.c ---- */

/* A system call that the filter reports, in words common to all ABIs. */
enum call_kind { CALL_OTHER, CALL_SOCKET, CALL_SOCKETCALL, CALL_CLOSE, CALL_EXIT };

/* Installs the filter in the calling process. Returns the listener, or -1 with errno. */
int install_filter(const struct options *options);
enum call_kind kind_of_call(const struct seccomp_data *data);
/* Size of a `long` in the ABI of the call, bytes. */
unsigned int long_size(const struct seccomp_data *data);

/* What this kernel lacks; the values are exit statuses of the process that tries it out. */
enum missing {
	MISSING_NOTHING,
	MISSING_ADDFD_SEND,
	MISSING_SECCOMP,
	MISSING_LISTENER,
	MISSING_ADDFD,
	MISSING_PERMISSION,
	MISSING_TURN,
	MISSING_TABLE,
	MISSING_OTHER,
};
/* Can the launcher work on this kernel? */
bool is_usable(enum missing what);
/* To be called in a process of its own: it leaves a filter behind, which allows everything. */
enum missing try_kernel(void);
const char *name_missing(enum missing what);
/* Does ADDFD with these flags exist? */
bool knows_addfd(int listener, unsigned int flags);

/* ---- launch-serve.c ---- */

/* Answers all calls until no process with the filter is left. `control` is -1 or the waiting process. */
void serve(const struct options *options, struct shared *shared, int listener, int control);
/* The same, but lets every call go on as it came. */
void serve_untouched(struct shared *shared, int listener);

/* ---- launch-observe.c ---- */

/* A socket was opened as SMC for this command. */
void observe_opened(ino_t inode, pid_t pid, const char *command);
/* The calling process is about to close this descriptor, or all of them. */
void observe_close(pid_t tid, int fd);
void observe_exit(pid_t tid);
/* Looks at all sockets if it is time to. Returns milliseconds until then, -1: nothing to look at. */
int observe_due(void);
/* Looks a last time and counts what has vanished meanwhile. */
void observe_finish(void);
void observe_start(const struct options *options, struct results *results);

/* ---- launch-text.c ---- */

/* One line to a descriptor, or nothing if that would block: no reader may stop the program. */
void put_line(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The name as a JSON string, with quotes. */
struct json_name {
	char text[6 * NAME_SIZE + 3];
};
struct json_name json_name(const char *name);
/* A number of JSON, or null for 0. */
struct json_number {
	char text[24];
};
struct json_number json_or_null(uint32_t value);
const char *mode_name(enum mode mode);
/* Writes the result document. */
bool write_results(int fd, const struct results *results, int status, int signal, bool observed);

/* ---- launch-caller.c: what /proc tells about a calling process ---- */

struct caller {
	pid_t tid, pid;
	uid_t fsuid;
	gid_t fsgid;
	char command[NAME_SIZE]; /* name of its main thread */
};

/* False if it is gone. */
bool look_at_caller(pid_t tid, struct caller *caller);
/* Do --only-command and --except-command let it in? */
bool command_chosen(const struct options *options, const struct caller *caller);
/* Reads the arguments of socketcall(SYS_SOCKET). */
bool read_socketcall(pid_t tid, const struct seccomp_data *data, int arguments[3]);

#endif
