// SPDX-License-Identifier: MIT
/*
 * Whether Node can start in this place, and with which options. Seen with Node 20, 22, 24 and 26:
 *
 * - where memory must not be made executable: SIGTRAP with a dump of V8's; all well with --jitless
 * - below 0.7 (20, 22) or 1.1 GiB (24, 26) of address space: the same; with --jitless it takes 0.12 or 0.6 GiB
 * - where fewer threads are allowed than V8 wants, six with its own settings: it waits for them for ever
 * - with little data, stack or descriptors: it hangs, or aborts, or dies by SIGSEGV
 *
 * What it needs differs between versions, so nobody has a list: where something is short, Node is tried in a child first.
 * Where nothing is, this costs some ten system calls.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "start.h"

extern char **environ;

/* Threads that Node cannot do without when V8 has a pool of one: that one, and a timer's. */
enum { THREADS = 2 };

enum { MIB = 1 << 20, KIB = 1 << 10 };

/* Limits below which Node is tried before it is trusted, and those below which it has been seen to hang or not to load. */
static const struct limit {
	int resource;
	rlim_t enough, least;
	rlim_t unit;
	const char *format; /* of the limit in that unit */
} limits[] = {
	{ RLIMIT_AS, 1536 * (rlim_t)MIB, 64 * MIB, MIB, "the address space is limited to %llu MiB (ulimit -v)" },
	{ RLIMIT_DATA, 512 * MIB, 48 * MIB, MIB, "data is limited to %llu MiB (ulimit -d)" },
	{ RLIMIT_STACK, 512 * KIB, 64 * KIB, KIB, "the stack is limited to %llu KiB (ulimit -s)" },
	{ RLIMIT_NOFILE, 64, 10, 1, "%llu files may be open (ulimit -n)" },
};

/* Node itself raises the soft limit of open files. */
static rlim_t limit_of(int resource)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return RLIM_INFINITY;
	return resource == RLIMIT_NOFILE ? limit.rlim_max : limit.rlim_cur;
}

/* As a JIT would do it. The kernel, a filter of system calls or a security module may refuse. */
static bool may_make_executable(void)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool may;

	if (page == MAP_FAILED)
		return true; /* something else is the matter */
	may = mprotect(page, size, PROT_READ | PROT_EXEC) == 0;
	munmap(page, size);
	return may;
}

static int wait_for_exec(void *never)
{
	for (;;)
		syscall(SYS_futex, never, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	return 0;
}

/*
 * Whether the threads can be had, whoever counts them: RLIMIT_NPROC, a control group, the kernel. They stay until this
 * process becomes Node, which ends them.
 */
static bool may_have_threads(void)
{
	enum { STACK = 4096 };
	static _Alignas(16) char stacks[THREADS][STACK];
	static int never;

	for (int i = 0; i < THREADS; i++)
		if (clone(wait_for_exec, stacks[i] + STACK,
			  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, &never) < 0)
			return false;
	return true;
}

/* ---- trying Node in a child ---- */

enum outcome { RUNS, FAILS, NOT_TRIED };

static void add(struct flags *flags, const char *flag)
{
	flags->list[flags->count++] = flag;
}

/* Leaves less of it than there will be: the commands need some, too. */
static void tighten(int resource, rlim_t spare)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur > spare) {
		limit.rlim_cur -= spare;
		setrlimit(resource, &limit);
	}
}

static void run_attempt(const char *node, const struct flags *flags, const char *const *words)
{
	static const struct rlimit none;
	sigset_t signals;
	const char *argv[COUNT(flags->list) + 4];
	int null, count = 0;

	prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L);
	sigemptyset(&signals);
	sigprocmask(SIG_SETMASK, &signals, NULL);
	null = open("/dev/null", O_RDWR);
	if (null < 0)
		null = memfd_create("null", 0);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (null != fd)
			dup2(null, fd);
	setrlimit(RLIMIT_CORE, &none);
	tighten(RLIMIT_AS, 32 * MIB);
	tighten(RLIMIT_DATA, 16 * MIB);
	argv[count++] = "node";
	for (int i = 0; i < flags->count; i++)
		argv[count++] = flags->list[i];
	while (*words)
		argv[count++] = *words++;
	argv[count] = NULL;
	/* it would wait for ever for threads that it does not get */
	if (strcmp(argv[count - 1], "--version") && !may_have_threads())
		_exit(1);
	execve(node, (char **)argv, environ);
	_exit(1);
}

static enum outcome attempt(const char *node, const struct flags *flags, const char *const *words)
{
	enum { PATIENCE_S = 300 }; /* a start takes 0.1 s; on an emulated processor with others on it it has taken 40 */
	const struct timespec pause = { .tv_nsec = 2000000 };
	struct sigaction before, normal = { .sa_handler = SIG_DFL };
	struct timespec now, end;
	enum outcome outcome = FAILS;
	pid_t child;
	int status;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += PATIENCE_S;
	/* where it is ignored, nobody hears how a child ended */
	sigaction(SIGCHLD, &normal, &before);
	child = fork();
	if (child == 0)
		run_attempt(node, flags, words);
	for (;;) {
		pid_t ended = child < 0 ? -1 : waitpid(child, &status, WNOHANG);

		if (ended < 0)
			outcome = NOT_TRIED;
		else if (ended == child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
			outcome = RUNS;
		if (ended)
			break;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec) {
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			break;
		}
		nanosleep(&pause, NULL);
	}
	sigaction(SIGCHLD, &before, NULL);
	return outcome;
}

/* ---- */

static void append(char reason[REASON_SIZE], const char *text)
{
	size_t length = strlen(reason);

	snprintf(reason + length, REASON_SIZE - length, "%s%s", length ? ", " : "", text);
}

bool choose_flags(const char *node, struct flags *flags, char reason[REASON_SIZE])
{
	static const char *const version[] = { "--version", NULL }, *const nothing[] = { "-e", "0", NULL };
	const bool has_jit = may_make_executable();
	bool is_short = false, is_hopeless = false, has_memory = true;

	reason[0] = '\0';
	/* V8's own pool of four is of no use to programs that run this shortly, and asks for more threads than a place may allow */
	add(flags, "--v8-pool-size=1");
	for (size_t i = 0; i < COUNT(limits); i++) {
		const struct limit *limit = &limits[i];
		const rlim_t value = limit_of(limit->resource);
		char text[80];

		if (value == RLIM_INFINITY || value >= limit->enough)
			continue;
		is_short = true;
		is_hopeless |= value < limit->least;
		has_memory &= limit->resource != RLIMIT_AS && limit->resource != RLIMIT_DATA;
		snprintf(text, sizeof text, limit->format, (unsigned long long)(value / limit->unit));
		append(reason, text);
	}
	if (is_hopeless)
		return false;
	if (!has_jit)
		append(reason, "memory must not be made executable here (MemoryDenyWriteExecute)");
	if (!has_jit || !has_memory) {
		add(flags, "--jitless");
		/* up to Node 22 a warning on stderr says that --jitless implies this; from 24 on there is no such option */
		add(flags, "--no-expose-wasm");
		if (attempt(node, flags, version) != RUNS)
			flags->count--;
	}
	if (is_short && attempt(node, flags, nothing) == FAILS)
		return false;
	if (may_have_threads())
		return true;
	append(reason, "no more threads are allowed here (ulimit -u, TasksMax, pids.max)");
	return false;
}
