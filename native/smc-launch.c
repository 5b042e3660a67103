// SPDX-License-Identifier: MIT
/*
 * smc-launch: runs a program whose TCP sockets become SMC sockets, however the program is built.
 *
 *   smc-launch [OPTION...] -- FILE ARGV0 [ARGUMENT...]
 *   smc-launch --probe
 *
 * A seccomp filter reports the program's socket() calls, and those of all its children, to a supervisor. It opens the
 * SMC socket and puts it into the program in place of the call's result. The processes:
 *
 *   program      this very process: it installs the filter and becomes FILE. So its process ID, its status, signals
 *                and job control are those of FILE itself, and nothing needs to be passed on.
 *   supervisor   answers the calls (launch-serve.c). It ends with the last process that has the filter.
 *   guard        parent of the supervisor. Should that be killed, the guard lets all calls go on as they came, so
 *                sockets are TCP from then on, and nothing waits for an answer for ever.
 *
 * Guard and supervisor are no children of the program, have a session of their own, ignore signals, and hold none of the
 * program's descriptors.
 *
 * With --log or --finish somebody must hear of the end. Then this process waits, and the program is its child: signals
 * are passed on, stops are followed, and the end is that of the program. As process 1, of a container for example, it
 * also reaps the orphans that come to it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"

extern char **environ;

enum { STATUS_REFUSED = 125, STATUS_CANNOT_EXECUTE = 126, STATUS_NOT_FOUND = 127 };

/* ---- options ---- */

static void usage(const char *problem, const char *value)
{
	dprintf(STDERR_FILENO, "smc-launch: %s%s; this program is run by smc_run, see its manual\n", problem, value);
	exit(STATUS_REFUSED);
}

static int parse_number(const char *text, const char *option, long least)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno || end == text || *end || number < least || number > INT_MAX)
		usage("not a number: ", option);
	return (int)number;
}

/* There can be no more than the command line has, and the end needs a NULL. */
static void add_word(struct words *words, char *word, int room)
{
	if (!words->list)
		words->list = calloc((size_t)room + 1, sizeof *words->list);
	if (!words->list)
		usage("out of memory", "");
	words->list[words->count++] = word;
}

static bool parse_options(struct options *options, int argc, char **argv)
{
	enum { CONVERT = 1, STRICT, SNDBUF, RCVBUF, DEBUG, ONLY, EXCEPT, OBSERVE, LOG, FINISH, FINISH_ARG, PROBE };
	static const struct option known[] = {
		{ "convert", required_argument, NULL, CONVERT },
		{ "strict", no_argument, NULL, STRICT },
		{ "sndbuf", required_argument, NULL, SNDBUF },
		{ "rcvbuf", required_argument, NULL, RCVBUF },
		{ "debug", no_argument, NULL, DEBUG },
		{ "only-command", required_argument, NULL, ONLY },
		{ "except-command", required_argument, NULL, EXCEPT },
		{ "observe", no_argument, NULL, OBSERVE },
		{ "log", required_argument, NULL, LOG },
		{ "finish", required_argument, NULL, FINISH },
		{ "finish-arg", required_argument, NULL, FINISH_ARG },
		{ "probe", no_argument, NULL, PROBE },
		{ NULL, 0, NULL, 0 },
	};
	static const char *const ways[] = { "none", "af_smc", "inet", "auto" }; /* in the order of `convert` */
	bool probe = false;
	int option;

	*options = (struct options){ .convert = CONVERT_AUTO, .log_fd = -1 };
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
		switch (option) {
		case CONVERT: {
			unsigned int way = 0;

			while (way < COUNT(ways) && strcmp(ways[way], optarg))
				way++;
			if (way == COUNT(ways))
				usage("unknown way to convert: ", optarg);
			options->convert = way;
			break;
		}
		case STRICT:
			options->strict = true;
			break;
		case SNDBUF:
			options->sndbuf = parse_number(optarg, "--sndbuf", 1);
			break;
		case RCVBUF:
			options->rcvbuf = parse_number(optarg, "--rcvbuf", 1);
			break;
		case DEBUG:
			options->debug = true;
			break;
		case ONLY:
			add_word(&options->only, optarg, argc);
			break;
		case EXCEPT:
			add_word(&options->except, optarg, argc);
			break;
		case OBSERVE:
			options->observe = true;
			break;
		case LOG:
			options->log_fd = parse_number(optarg, "--log", 3);
			if (fcntl(options->log_fd, F_SETFD, FD_CLOEXEC) < 0)
				usage("not an open descriptor: ", optarg);
			break;
		case FINISH:
			if (optind >= argc)
				usage("--finish takes two words", "");
			add_word(&options->finish, optarg, argc);
			add_word(&options->finish, argv[optind++], argc);
			break;
		case FINISH_ARG:
			add_word(&options->finish, optarg, argc);
			break;
		case PROBE:
			probe = true;
			break;
		default:
			usage("unknown option or missing value: ", argv[optind - 1]);
		}
	}
	/* a closed one may get the number of something else */
	if (fcntl(STDERR_FILENO, F_GETFD) < 0)
		options->debug = false;
	if (!probe && argc - optind < 2)
		usage("FILE and ARGV0 are missing", "");
	return probe;
}

/* ---- processes ---- */

/* Like fork(), but the child's end is not told to the program, which would not know what to do with it. */
static pid_t fork_quietly(void)
{
	return (pid_t)syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
}

static int wait_for(pid_t child)
{
	int status = -1;

	while (waitpid(child, &status, __WALL) < 0 && errno == EINTR)
		;
	return status;
}

/* The descriptor again, with a number above those of the standard streams. */
static int above_streams(int fd)
{
	int copy;

	if (fd > STDERR_FILENO || fd < 0)
		return fd;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return copy;
}

static bool make_pair(int pair[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return false;
	pair[0] = above_streams(pair[0]);
	pair[1] = above_streams(pair[1]);
	return pair[0] >= 0 && pair[1] >= 0;
}

static bool kept(int fd, const int *keep, int count)
{
	while (count-- > 0)
		if (keep[count] == fd)
			return true;
	return false;
}

/* Lets go of the program's descriptors: whoever waits for the end of one must not have to wait for us. */
static void close_others(const int *keep, int count)
{
	int highest = -1, null;

	for (int i = 0; i < count; i++)
		highest = keep[i] > highest ? keep[i] : highest;
	for (int fd = 0; fd <= highest; fd++)
		if (!kept(fd, keep, count))
			close(fd);
#ifdef SYS_close_range
	if (syscall(SYS_close_range, (long)highest + 1, (long)UINT_MAX, 0L) < 0)
#endif
	{
		int end = (int)sysconf(_SC_OPEN_MAX);

		for (int fd = highest + 1; fd < end; fd++)
			close(fd);
	}
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		if (!kept(fd, keep, count))
			dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
}

static bool send_fd(int channel, int fd)
{
	char byte = 0;
	struct iovec data = { &byte, 1 };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.room
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	return sendmsg(channel, &message, MSG_NOSIGNAL) == 1;
}

static int receive_fd(int channel)
{
	char byte;
	struct iovec data = { &byte, 1 };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.room
	};
	const struct cmsghdr *header;
	int fd = -1;

	if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof fd);
	return fd;
}

/* ---- guard and supervisor ---- */

struct channels {
	int program, guard; /* ends of one pair: the listener goes over it, then the supervisor's process ID comes back */
	int waiter, supervisor; /* of another, or -1: orders of the waiting process, and a byte when they are done */
	pid_t guard_child;	/* process ID of the guard if it is a child of this process, else 0 */
};

static void leave_the_program(void)
{
	struct rlimit files;
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction normal = { .sa_handler = SIG_DFL };

	setsid();
	for (int signal = 1; signal < NSIG; signal++)
		sigaction(signal, &ignore, NULL);
	/* a fault must end the supervisor, and the guard must see that */
	for (size_t i = 0; i < 5; i++)
		sigaction((int[]){ SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT }[i], &normal, NULL);
	sigaction(SIGCHLD, &normal, NULL);
	if (chdir("/") < 0)
		return;
	/* of the program's memory nothing is to be seen through us, and its limit of descriptors is its own */
	prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static void run_supervisor(const struct options *options, struct shared *shared, const struct channels *channels,
			   int listener)
{
	pid_t self = getpid();

	if (write(channels->guard, &self, sizeof self) < 0)
		_exit(1);
	close(channels->guard);
	serve(options, shared, listener, channels->supervisor);
	_exit(0);
}

static void run_guard(const struct options *options, struct shared *shared, const struct channels *channels)
{
	int keep[5] = { channels->guard, channels->supervisor, options->log_fd };
	int count = 3, listener;
	pid_t supervisor;

	leave_the_program();
	if (options->debug)
		keep[count++] = STDERR_FILENO;
	close_others(keep, count);
	listener = receive_fd(channels->guard);
	if (listener < 0)
		_exit(0);
	supervisor = fork();
	if (supervisor == 0)
		run_supervisor(options, shared, channels, listener);
	if (supervisor < 0) /* not even one process more: TCP then */
		if (write(channels->guard, "", 1) < 0)
			_exit(1);
	close_others(&listener, 1);
	if (supervisor < 0 || wait_for(supervisor) != 0)
		serve_untouched(shared, listener);
	_exit(0);
}

/*
 * Orphans are adopted by process 1, or by an ancestor that asked for them. There, a double fork makes the guard a child
 * that the program has not made, and wait() for all children would not end while the program lives.
 */
static bool adopts_orphans(void)
{
	int asked = 0;

	return getpid() == 1 || (prctl(PR_GET_CHILD_SUBREAPER, &asked, 0L, 0L, 0L) == 0 && asked);
}

static pid_t fork_guard(const struct options *options, struct shared *shared, const struct channels *channels)
{
	pid_t guard = fork_quietly();

	if (guard == 0)
		run_guard(options, shared, channels);
	return guard;
}

/*
 * Starts the guard so that the program does not see it as a child, and finds out what the kernel can do. Usually a
 * process in between makes it an orphan. Where that does not help it is our child, but one without a signal for its end:
 * wait() passes by those, unless they were adopted or it is told to look for them.
 */
static enum missing start_guard(const struct options *options, struct shared *shared, struct channels *channels)
{
	bool direct = adopts_orphans();
	pid_t guard = direct ? fork_guard(options, shared, channels) : 0;
	pid_t between = guard < 0 ? -1 : fork_quietly();
	int status;

	if (between == 0) {
		if (!direct)
			guard = fork_guard(options, shared, channels);
		_exit(guard < 0 ? MISSING_OTHER : try_kernel());
	}
	channels->guard_child = direct && guard > 0 ? guard : 0;
	status = between < 0 ? -1 : wait_for(between);
	return WIFEXITED(status) ? (enum missing)WEXITSTATUS(status) : MISSING_OTHER;
}

/* ---- the program ---- */

static void become(char **argv)
{
	const char *file = argv[0];
	int error;

	execve(file, argv + 1, environ);
	error = errno;
	dprintf(STDERR_FILENO, "smc_run: %s: %s\n", file,
		error == ENOEXEC ? "not a program for this machine (exec format error)" : strerror(error));
	_exit(error == ENOENT || error == ENOTDIR ? STATUS_NOT_FOUND : STATUS_CANNOT_EXECUTE);
}

/* Also sends the guard away, which must not be left behind as a child that nobody waits for. */
static void without_supervisor(const struct options *options, const struct channels *channels, enum missing missing)
{
	close(channels->program);
	if (channels->guard_child)
		wait_for(channels->guard_child);
	dprintf(STDERR_FILENO, "smc-launch: %s: %s\n", options->strict ? "not started" : "sockets stay TCP",
		name_missing(missing));
	if (options->strict)
		_exit(STATUS_REFUSED);
}

/*
 * From the filter on, socket(), close() and exit wait for an answer. So nothing is closed here; all is close-on-exec.
 * If the guard were gone the listener would have to go first, and dup2() is not reported.
 */
static void run_program(const struct options *options, const struct channels *channels, enum missing missing, char **argv)
{
	int listener;
	pid_t supervisor;

	if (!is_usable(missing)) {
		without_supervisor(options, channels, missing);
		become(argv);
	}
	listener = install_filter(options);
	if (listener < 0) {
		without_supervisor(options, channels, MISSING_OTHER);
	} else if (!send_fd(channels->program, listener)) {
		dup2(channels->program, listener);
	} else if (read(channels->program, &supervisor, sizeof supervisor) == sizeof supervisor) {
#if defined(__s390__) && defined(PR_SET_PTRACER)
		/* Yama: the supervisor reads the arguments of socketcall() */
		prctl(PR_SET_PTRACER, (long)supervisor, 0L, 0L, 0L);
#endif
	}
	become(argv);
}

/* ---- waiting for the program ---- */

/* What the waiting process hears: everything. A fault of its own ends it all the same, and SIGPIPE would come from a log. */
static void fill_heard(sigset_t *heard)
{
	sigfillset(heard);
	sigdelset(heard, SIGPIPE);
}

/*
 * Signals of the terminal go to the whole process group, and so reach the program anyway. An alarm that was set before
 * this process became the launcher is meant for the program.
 */
static void pass_on(const siginfo_t *cause, pid_t program)
{
	if (cause->si_pid == program || (cause->si_code > SI_USER && cause->si_signo != SIGALRM))
		return;
	if (cause->si_code == SI_QUEUE)
		sigqueue(program, cause->si_signo, cause->si_value);
	else
		kill(program, cause->si_signo);
}

/* A service manager names the process that is to take its sockets. That is the program, not us. */
static void adopt_listen_pid(pid_t waiter)
{
	const char name[] = "LISTEN_PID=";
	static char entry[40];

	for (char **at = environ; *at; at++)
		if (!strncmp(*at, name, strlen(name)) && atol(*at + strlen(name)) == (long)waiter) {
			snprintf(entry, sizeof entry, "%s%ld", name, (long)getpid());
			*at = entry;
		}
}

/*
 * Returns the wait status of the program. Other children are orphans, or were there before: they are reaped. Process 1
 * has no parent that could continue it and cannot be stopped; there the program alone stops.
 */
static int follow(pid_t program, const sigset_t *heard)
{
	int which = WNOHANG | __WALL | (getpid() == 1 ? 0 : WUNTRACED);

	for (;;) {
		siginfo_t cause;
		pid_t child;
		int status;

		if (sigwaitinfo(heard, &cause) < 0)
			continue;
		if (cause.si_signo != SIGCHLD)
			pass_on(&cause, program);
		/* signals of several children, or of one that was there before us, may have become one or none */
		while ((child = waitpid(-1, &status, which)) > 0) {
			if (child != program)
				continue;
			if (!WIFSTOPPED(status))
				return status;
			kill(getpid(), SIGSTOP);
			kill(program, SIGCONT);
		}
	}
}

/* Where the result document is written and read. */
struct channel {
	int in, out;
};

static struct channel open_memory(void)
{
	int fd = memfd_create("smc_run result", 0);

	return (struct channel){ fd, fd };
}

/* Takes some 50 KB, whatever files may take. */
static struct channel open_pair(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return (struct channel){ -1, -1 };
	fcntl(ends[0], F_SETFL, O_NONBLOCK); /* there is no reader yet */
	return (struct channel){ ends[0], ends[1] };
}

/* The descriptor with the result document, or -1. */
static int make_document(const struct results *results, int status, bool observed)
{
	static struct channel (*const ways[])(void) = { open_memory, open_pair };
	int signal_ = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	/* under RLIMIT_FSIZE it would end us, and nobody would hear of the program's end */
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < COUNT(ways); i++) {
		struct channel to = ways[i]();
		bool written = to.in >= 0 && write_results(to.in, results, WEXITSTATUS(status), signal_, observed);

		if (to.in != to.out)
			close(to.in);
		else if (written)
			lseek(to.out, 0, SEEK_SET);
		if (written)
			return to.out > STDERR_FILENO ? to.out : fcntl(to.out, F_DUPFD, STDERR_FILENO + 1);
		close(to.out);
	}
	return -1;
}

/* Variables that are for the program's loader or Node, not for the Node that tells the outcome. */
static bool is_for_program(const char *entry)
{
	return !strncmp(entry, "LD_", 3) || !strncmp(entry, "NODE_", 5) || !strncmp(entry, "SMC_RUN_RESULT=", 15);
}

static void finish(const struct options *options, int document)
{
	char **argv = options->finish.list;
	char **to = environ;
	char variable[40];

	for (char **from = environ; *from; from++)
		if (!is_for_program(*from))
			*to++ = *from;
	*to = NULL;
	snprintf(variable, sizeof variable, "%d", document);
	setenv("SMC_RUN_RESULT", variable, 1);
	execve(argv[0], argv, environ);
	dprintf(STDERR_FILENO, "smc-launch: %s: %s\n", argv[0], strerror(errno));
}

static void end_like(int status)
{
	static const struct rlimit none;

	if (!WIFSIGNALED(status))
		_exit(WEXITSTATUS(status));
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
	signal(WTERMSIG(status), SIG_DFL);
	kill(getpid(), WTERMSIG(status));
	_exit(128 + WTERMSIG(status));
}

static void run_and_wait(const struct options *options, struct shared *shared, const struct channels *channels,
			 enum missing missing, char **argv)
{
	int keep[] = { channels->waiter, options->log_fd, STDERR_FILENO };
	struct sigaction children, normal = { .sa_handler = SIG_DFL };
	sigset_t heard, before;
	pid_t program, waiter = getpid();
	bool observed = false;
	int status, document;

	fill_heard(&heard);
	sigprocmask(SIG_BLOCK, &heard, &before);
	sigaction(SIGCHLD, &normal, &children);
	program = fork();
	if (program < 0) {
		dprintf(STDERR_FILENO, "smc-launch: not started: %s\n", strerror(errno));
		_exit(STATUS_REFUSED);
	}
	if (program == 0) {
		prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L);
		if (getppid() != waiter)
			_exit(STATUS_REFUSED);
		adopt_listen_pid(waiter);
		sigaction(SIGCHLD, &children, NULL);
		sigprocmask(SIG_SETMASK, &before, NULL);
		run_program(options, channels, missing, argv);
	}
	close_others(keep, COUNT(keep));
	status = follow(program, &heard);

	if (is_usable(missing) && write(channels->waiter, "", 1) == 1) {
		char done;

		/* the end of the file: the supervisor was killed */
		observed = read(channels->waiter, &done, 1) == 1;
	}
	if (options->log_fd >= 0) {
		if (WIFSIGNALED(status))
			put_line(options->log_fd, "{\"event\":\"end\",\"status\":null,\"signal\":%d}", WTERMSIG(status));
		else
			put_line(options->log_fd, "{\"event\":\"end\",\"status\":%d,\"signal\":null}", WEXITSTATUS(status));
	}
	document = options->finish.count ? make_document(&shared->results, status, observed && options->observe) : -1;
	sigaction(SIGCHLD, &children, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (document >= 0)
		finish(options, document);
	end_like(status);
}

static const char *truth(bool value)
{
	return value ? "true" : "false";
}

static int probe(void)
{
	pid_t child = fork();
	int status;
	enum missing missing;

	if (child == 0)
		_exit(try_kernel());
	status = child < 0 ? -1 : wait_for(child);
	missing = WIFEXITED(status) ? (enum missing)WEXITSTATUS(status) : MISSING_OTHER;
	/* a kernel that can add a descriptor can let a call go on, which came four releases earlier */
	printf("{\"listener\":%s,\"continue\":%s,\"addfd\":%s,\"addfd_send\":%s,\"missing\":%s%s%s}\n",
	       truth(is_usable(missing) || missing == MISSING_ADDFD), truth(is_usable(missing)), truth(is_usable(missing)),
	       truth(missing == MISSING_NOTHING), is_usable(missing) ? "null" : "\"",
	       is_usable(missing) ? "" : name_missing(missing), is_usable(missing) ? "" : "\"");
	return is_usable(missing) ? 0 : 1;
}

int main(int argc, char **argv)
{
	static struct options options;
	int pair[2], orders[2] = { -1, -1 };
	struct channels channels;
	struct shared *shared;
	enum missing missing;
	bool waits;

	if (parse_options(&options, argc, argv))
		return probe();
	waits = options.finish.count || options.log_fd >= 0;
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || !make_pair(pair) || (waits && !make_pair(orders))) {
		dprintf(STDERR_FILENO, "smc-launch: not started: %s\n", strerror(errno));
		return STATUS_REFUSED;
	}
	channels = (struct channels){ pair[0], pair[1], orders[0], orders[1], 0 };
	missing = start_guard(&options, shared, &channels);
	close(channels.guard);
	if (orders[1] >= 0)
		close(orders[1]);
	if (waits)
		run_and_wait(&options, shared, &channels, missing, argv + optind);
	run_program(&options, &channels, missing, argv + optind);
	return STATUS_REFUSED;
}
