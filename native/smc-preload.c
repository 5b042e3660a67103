// SPDX-License-Identifier: MIT
/*
 * libsmc-preload.so: opens the TCP sockets of an unmodified program as SMC sockets.
 *
 * Loaded with LD_PRELOAD it takes the place of socket(), and of nothing else. A call that asks for a TCP
 * socket is sent to AF_SMC first, then to IPPROTO_SMC; if the kernel has no SMC for us the TCP socket that was asked
 * for is opened. Every other call goes to the kernel as it came.
 *
 * socket() may be called by any thread, in a signal handler, between fork and exec, in a vfork child and in
 * the constructor of another library. So there are no locks, no allocation and no stdio here. The kernel is
 * called through syscall() instead of the next socket() in line or a handle on libc, because looking up
 * symbols takes the loader's lock, and because write() would be a cancellation point, which socket() is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "glob.h"

#ifndef AF_SMC
#define AF_SMC 43 /* linux/socket.h, since 4.11; C libraries were slower to learn it */
#endif

/* linux/smc.h: the "protocol" of an SMC socket is the address family it speaks */
enum { SMC_OVER_IPV4 = 0, SMC_OVER_IPV6 = 1 };

enum { PROTOCOL_SMC = 256 }; /* linux/in.h IPPROTO_SMC, since 6.11 */

/* linux/net.h: the low bits are the type, the rest are flags such as SOCK_CLOEXEC */
enum { TYPE_MASK = 0xf };

extern char **environ; /* declared here: unistd.h has it only with _GNU_SOURCE */

/* ---- debug lines: put together by hand, snprintf is not safe in a signal handler ---- */

struct line {
	size_t length;
	char text[120]; /* the longest line has 88 bytes; a longer one would be cut */
};

static void add_char(struct line *line, char c)
{
	if (line->length < sizeof line->text)
		line->text[line->length++] = c;
}

static void add_text(struct line *line, const char *text)
{
	while (*text)
		add_char(line, *text++);
}

static void add_number(struct line *line, int number) /* 0 or more: a descriptor, a size, an errno */
{
	char digits[3 * sizeof number];
	int count = 0;

	do
		digits[count++] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	while (count > 0)
		add_char(line, digits[--count]);
}

static void start_line(struct line *line)
{
	line->length = 0;
	add_text(line, "libsmc-preload: ");
}

/* One write per line, so that lines of several threads do not mix. What cannot be written is lost. */
static void print_line(struct line *line)
{
	int caller_errno = errno;

	if (line->length == sizeof line->text)
		line->length--;
	add_char(line, '\n');
	syscall(SYS_write, (long)STDERR_FILENO, line->text, line->length);
	errno = caller_errno;
}

/* ---- settings: read from the environment once, later changes to it do not matter ---- */

enum {
	SETTINGS_READ = 1,
	DEBUG_ON = 2,
	BAD_SNDBUF = 4, /* a warning is due; not at load, most processes of a script open no socket */
	BAD_RCVBUF = 8,
	STRICT = 16,	 /* no retry as TCP */
	NO_AF_SMC = 32,	 /* SMC_SOCKET=inet */
	NO_INET = 64,	 /* SMC_SOCKET=af_smc */
	NOT_CHOSEN = 128, /* SMC_ONLY_COMMAND, SMC_EXCEPT_COMMAND: the sockets of this program stay TCP */
	BAD_SOCKET = 256,
	BAD_SETTINGS = BAD_SNDBUF | BAD_RCVBUF | BAD_SOCKET,
};

/* Each number is atomic by itself; the release store of `flags` publishes the two sizes. */
static struct {
	atomic_int flags;
	atomic_int sndbuf, rcvbuf; /* bytes, 0: leave the kernel's default */
} settings;

static const char *from_environment(const char *name)
{
	char **entry = environ;

	for (; entry && *entry; entry++) {
		const char *have = *entry, *want = name;

		while (*want && *have == *want)
			have++, want++;
		if (!*want && *have == '=')
			return have + 1;
	}
	return NULL;
}

/* Decimal digits with an optional k, K, m or M. 0 for anything else, for zero, and beyond what an int holds. */
static int parse_size(const char *text)
{
	long long size = 0;
	long long unit = 1;

	if (*text < '0' || *text > '9')
		return 0;
	for (; *text >= '0' && *text <= '9'; text++) {
		size = size * 10 + (*text - '0');
		if (size > INT_MAX)
			return 0;
	}
	if (*text == 'k' || *text == 'K')
		unit = 1024, text++;
	else if (*text == 'm' || *text == 'M')
		unit = 1024 * 1024, text++;
	size *= unit;
	return *text || size > INT_MAX ? 0 : (int)size;
}

/* Variables that switch something on: not empty and not starting with 0. */
static bool is_on(const char *text)
{
	return text && *text && *text != '0';
}

static bool is_word(const char *text, const char *word)
{
	while (*text && *text == *word)
		text++, word++;
	return *text == *word;
}

/* The flags of SMC_SOCKET. */
static int parse_flavor(const char *text)
{
	if (!text || !*text || is_word(text, "auto"))
		return 0;
	if (is_word(text, "af_smc"))
		return NO_INET;
	return is_word(text, "inet") ? NO_AF_SMC : BAD_SOCKET;
}

/* Does one of the patterns, separated by colons, match one of the two names? */
static bool any_matches(const char *patterns, const char *file, const char *name)
{
	while (*patterns) {
		size_t length = 0;

		while (patterns[length] && patterns[length] != ':')
			length++;
		if (length && (glob_matches(patterns, length, file) || glob_matches(patterns, length, name)))
			return true;
		patterns += length + (patterns[length] == ':');
	}
	return false;
}

/*
 * The names of this program: that of its file, and that of its thread, which for a script is the script's. The program
 * may call its threads what it likes, so it counts that this is asked at its start.
 */
static bool is_chosen(const char *only, const char *except)
{
	static const char self[] = "/proc/self/exe";
	char file[PATH_MAX], name[16] = ""; /* TASK_COMM_LEN */
	const char *base = file;
	long length = syscall(SYS_readlinkat, (long)AT_FDCWD, self, file, (long)sizeof file - 1);

	file[length > 0 ? length : 0] = '\0';
	for (const char *at = file; *at; at++)
		if (*at == '/')
			base = at + 1;
	syscall(SYS_prctl, (long)PR_GET_NAME, name, 0L, 0L, 0L);
	if (except && any_matches(except, base, name))
		return false;
	return !only || any_matches(only, base, name);
}

/*
 * Runs before main() as a constructor. The constructor of another library may open a socket before that, so
 * socket() runs it too if need be. Two threads that get here at once find the same and store the same.
 */
__attribute__((constructor)) static void read_settings(void)
{
	const char *debug = from_environment("SMC_DEBUG");
	const char *sndbuf = from_environment("SMC_SNDBUF");
	const char *rcvbuf = from_environment("SMC_RCVBUF");
	int sndbuf_bytes = sndbuf ? parse_size(sndbuf) : 0;
	int rcvbuf_bytes = rcvbuf ? parse_size(rcvbuf) : 0;
	const char *flavor = from_environment("SMC_SOCKET");
	const char *strict = from_environment("SMC_STRICT");
	const char *only = from_environment("SMC_ONLY_COMMAND");
	const char *except = from_environment("SMC_EXCEPT_COMMAND");
	int flags = SETTINGS_READ | (parse_flavor(flavor) & ~BAD_SOCKET);
	int caller_errno = errno;
	int unread = 0;

	if (is_on(strict))
		flags |= STRICT;
	if ((only || except) && !is_chosen(only, except))
		flags |= NOT_CHOSEN;
	errno = caller_errno;
	if (is_on(debug)) {
		flags |= DEBUG_ON | (parse_flavor(flavor) & BAD_SOCKET);
		if (sndbuf && !sndbuf_bytes)
			flags |= BAD_SNDBUF;
		if (rcvbuf && !rcvbuf_bytes)
			flags |= BAD_RCVBUF;
	}
	atomic_store_explicit(&settings.sndbuf, sndbuf_bytes, memory_order_relaxed);
	atomic_store_explicit(&settings.rcvbuf, rcvbuf_bytes, memory_order_relaxed);
	atomic_compare_exchange_strong_explicit(&settings.flags, &unread, flags, memory_order_release,
						memory_order_relaxed);
}

/* ---- the socket call ---- */

/* Cast to long: libc's own wrapper hands the kernel whole registers, and seccomp filters compare whole registers. */
static int kernel_socket(int domain, int type, int protocol)
{
	return (int)syscall(SYS_socket, (long)domain, (long)type, (long)protocol);
}

static bool asks_for_tcp(int domain, int type, int protocol)
{
	return (domain == AF_INET || domain == AF_INET6) && (type & TYPE_MASK) == SOCK_STREAM &&
	       (protocol == 0 || protocol == IPPROTO_TCP);
}

/*
 * A TCP socket would run into these as well, so the program hears about them at once. All other errors are
 * the answer to AF_SMC: not in this kernel (EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT), or forbidden by
 * a security module or a seccomp filter, which may choose any errno (EPERM, EACCES, EINVAL, ENOSYS are in
 * use). Then the TCP call decides: it succeeds, or fails with the errno the program would see without us.
 */
static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/*
 * Ways that the kernel does not know. It has then searched for the module and run modprobe in vain, and would do so
 * again, some milliseconds for every socket. They are not tried again in this process.
 */
static struct {
	atomic_bool af_smc, inet;
} lacking;

static bool is_known(atomic_bool *fact)
{
	return atomic_load_explicit(fact, memory_order_relaxed);
}

static void remember(atomic_bool *fact)
{
	atomic_store_explicit(fact, true, memory_order_relaxed);
}

/* Opens an SMC socket; -1 with the errno of the first way that was tried, or with a shortage. */
static int smc_socket(int domain, int type, int flags)
{
	int error = 0, fd = -1;

	if (!(flags & NO_AF_SMC)) {
		if (is_known(&lacking.af_smc))
			errno = EAFNOSUPPORT;
		else
			fd = kernel_socket(AF_SMC, type, domain == AF_INET ? SMC_OVER_IPV4 : SMC_OVER_IPV6);
		if (fd >= 0 || is_shortage(errno) || flags & NO_INET)
			return fd;
		error = errno;
	}
	if (is_known(&lacking.inet))
		errno = EPROTONOSUPPORT;
	else
		fd = kernel_socket(domain, type, PROTOCOL_SMC);
	if (fd < 0 && errno == EPROTONOSUPPORT)
		remember(&lacking.inet);
	if (fd >= 0 && error == EAFNOSUPPORT)
		remember(&lacking.af_smc);
	if (fd < 0 && error && !is_shortage(errno))
		errno = error;
	return fd;
}

static void report_bad_socket(void)
{
	struct line line;

	start_line(&line);
	add_text(&line, "SMC_SOCKET ignored: not af_smc, inet or auto");
	print_line(&line);
}

static void report_bad_size(const char *name)
{
	struct line line;

	start_line(&line);
	add_text(&line, name);
	add_text(&line, " ignored: not a size from 1 to ");
	add_number(&line, INT_MAX);
	add_text(&line, " bytes");
	print_line(&line);
}

/* Once per process, whoever clears the bit prints. */
static void report_bad_settings(void)
{
	int due = atomic_fetch_and_explicit(&settings.flags, ~BAD_SETTINGS, memory_order_relaxed);

	if (due & BAD_SOCKET)
		report_bad_socket();

	if (due & BAD_SNDBUF)
		report_bad_size("SMC_SNDBUF");
	if (due & BAD_RCVBUF)
		report_bad_size("SMC_RCVBUF");
}

static void report_socket(int fd, int domain, int smc_error, int flags)
{
	struct line line;

	start_line(&line);
	add_text(&line, domain == AF_INET ? "IPv4 socket " : "IPv6 socket ");
	if (fd >= 0) {
		add_number(&line, fd);
		add_text(&line, smc_error ? " stays TCP" : " uses SMC");
	} else {
		add_text(&line, "not opened");
	}
	if (smc_error) {
		add_text(&line, flags & NO_AF_SMC ? ": IPPROTO_SMC gave errno " : ": AF_SMC gave errno ");
		add_number(&line, smc_error);
	}
	print_line(&line);
}

/* A size that cannot be set is no reason to fail a socket that works. */
static void set_size(int fd, int option, int bytes, bool debug)
{
	struct line line;
	int caller_errno = errno;
	int error = 0;

	if (!bytes)
		return;
	if (syscall(SYS_setsockopt, (long)fd, (long)SOL_SOCKET, (long)option, &bytes, (long)sizeof bytes) < 0)
		error = errno;
	errno = caller_errno;
	if (!debug)
		return;
	start_line(&line);
	add_text(&line, "socket ");
	add_number(&line, fd);
	add_text(&line, option == SO_SNDBUF ? ": SO_SNDBUF " : ": SO_RCVBUF ");
	add_number(&line, bytes);
	if (error) {
		add_text(&line, " not set: errno ");
		add_number(&line, error);
	}
	print_line(&line);
}

__attribute__((visibility("default"))) int socket(int domain, int type, int protocol)
{
	int caller_errno = errno;
	int smc_error = 0;
	int flags, fd;
	bool debug;

	if (!asks_for_tcp(domain, type, protocol))
		return kernel_socket(domain, type, protocol);

	if (!atomic_load_explicit(&settings.flags, memory_order_acquire))
		read_settings();
	flags = atomic_load_explicit(&settings.flags, memory_order_acquire);

	if (flags & NOT_CHOSEN)
		return kernel_socket(domain, type, protocol);

	fd = smc_socket(domain, type, flags);
	if (fd < 0)
		smc_error = errno;
	if (smc_error && !is_shortage(smc_error) && !(flags & STRICT)) {
		fd = kernel_socket(domain, type, protocol);
		if (fd >= 0 && smc_error == EAFNOSUPPORT && !(flags & NO_AF_SMC))
			remember(&lacking.af_smc);
	}
	if (fd >= 0)
		errno = caller_errno;

	/* Standard error was closed and this socket got its number: from now on lines would go to a peer. */
	if (fd == STDERR_FILENO)
		flags = atomic_fetch_and_explicit(&settings.flags, ~DEBUG_ON, memory_order_relaxed) & ~DEBUG_ON;
	debug = flags & DEBUG_ON;
	if (debug) {
		if (flags & BAD_SETTINGS)
			report_bad_settings();
		report_socket(fd, domain, smc_error, flags);
	}
	if (!smc_error) {
		set_size(fd, SO_SNDBUF, atomic_load_explicit(&settings.sndbuf, memory_order_relaxed), debug);
		set_size(fd, SO_RCVBUF, atomic_load_explicit(&settings.rcvbuf, memory_order_relaxed), debug);
	}
	return fd;
}
