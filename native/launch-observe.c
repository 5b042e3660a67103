// SPDX-License-Identifier: MIT
/*
 * What became of the sockets: SMC-R, SMC-D, or TCP and why.
 *
 * The kernel tells it in smc_diag, for sockets that still exist. So we look when a program is about to close one or to
 * exit, and at all of them twice a second, for those that were killed. What vanished without the look that was due counts
 * as unknown, but not what was last seen unconnected, or never sent a segment of TCP. Only sockets that are open are
 * kept; connections are counted by outcome.
 *
 * smc_diag cannot be asked for one socket, but it lists the youngest first. A look at one socket ends as soon as that
 * one is found, and all looks together may take a quarter of the time.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "launch.h"

enum { LOOK_EVERY = 500 /* ms */, LOOK_SHARE = 4 /* part of the time */, LOOK_SAVED = 2000 /* ms at most */, FAILED_LOOKS = 3 };

static struct {
	const struct options *options;
	struct results *results;
	int64_t next_look; /* ms, CLOCK_MONOTONIC */
	int64_t allowance, allowance_at; /* ms that looks may take, and when that was worked out */
} observer;

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- smc_diag ---- */

enum { SOCK_DIAG_BY_FAMILY_TYPE = 20, NETLINK_DIAG = 4 };  /* linux/sock_diag.h, linux/netlink.h */
enum { DIAG_LGRINFO = 2, DIAG_FALLBACK = 5, WITH_LGRINFO = 1 << (DIAG_LGRINFO - 1) }; /* linux/smc_diag.h */
enum { DIAG_MODE_SMCR = 0, DIAG_MODE_TCP = 1, DIAG_MODE_SMCD = 2 };
enum { STATE_INIT = 2, STATE_CLOSED = 7, STATE_LISTEN = 10 };

/* linux/smc_diag.h struct smc_diag_msg: the same on all machines, 64-bit numbers at multiples of 4 */
struct diag_socket {
	uint8_t family, state, mode, shutdown;
	uint16_t sport, dport; /* network order */
	uint32_t src[4], dst[4];
	uint32_t interface, cookie[2], uid, inode[2];
};
_Static_assert(sizeof(struct diag_socket) == 64, "layout of the kernel");

struct row {
	struct diag_socket socket;
	ino_t inode;
	uint64_t cookie;
	uint32_t reason, diagnosis;
	bool has_link_group;
};

static void read_row(const struct nlmsghdr *message, struct row *row)
{
	const char *data = NLMSG_DATA(message);
	size_t length = message->nlmsg_len - NLMSG_HDRLEN;
	size_t at = sizeof row->socket;
	uint64_t inode;

	memset(row, 0, sizeof *row);
	memcpy(&row->socket, data, sizeof row->socket);
	memcpy(&inode, row->socket.inode, sizeof inode);
	row->inode = (ino_t)inode;
	row->cookie = row->socket.cookie[0] | (uint64_t)row->socket.cookie[1] << 32;
	while (at + sizeof(struct nlattr) <= length) {
		struct nlattr attribute;

		memcpy(&attribute, data + at, sizeof attribute);
		if (attribute.nla_len < sizeof attribute || attribute.nla_len > length - at)
			return;
		if ((attribute.nla_type & NLA_TYPE_MASK) == DIAG_LGRINFO)
			row->has_link_group = true;
		if ((attribute.nla_type & NLA_TYPE_MASK) == DIAG_FALLBACK && attribute.nla_len >= 12) {
			memcpy(&row->reason, data + at + 4, 4);
			memcpy(&row->diagnosis, data + at + 8, 4);
		}
		at += NLA_ALIGN(attribute.nla_len);
	}
}

static int ask_for_sockets(void)
{
	struct {
		struct nlmsghdr header;
		uint8_t family, pad[2], extensions;
		uint8_t socket[48];
	} request = {
		.header = { .nlmsg_len = sizeof request,
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY_TYPE,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.family = AF_SMC,
		.extensions = WITH_LGRINFO,
	};
	struct timeval patience = { .tv_sec = 10 }; /* the kernel answers before send() returns: only for one that never does */
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_DIAG);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
	    send(fd, &request, sizeof request, 0) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Calls `look` for each SMC socket of the network namespace until it returns false. True if it saw them all. */
static bool list_sockets(bool (*look)(const struct row *row, void *context), void *context)
{
	static _Alignas(struct nlmsghdr) char buffer[65536];
	int fd = ask_for_sockets();
	ssize_t length = 0;

	while (fd >= 0 && (length = recv(fd, buffer, sizeof buffer, 0)) > 0) {
		size_t left = (size_t)length;
		struct nlmsghdr *message = (struct nlmsghdr *)buffer;

		for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
			struct row row;

			if (message->nlmsg_type == NLMSG_DONE) {
				int error = 0;

				if (message->nlmsg_len >= NLMSG_LENGTH(sizeof error))
					memcpy(&error, NLMSG_DATA(message), sizeof error);
				close(fd);
				return error == 0;
			}
			if (message->nlmsg_type == NLMSG_ERROR) {
				close(fd);
				return false;
			}
			if (message->nlmsg_len < NLMSG_LENGTH(sizeof row.socket))
				continue;
			read_row(message, &row);
			if (!look(&row, context)) {
				close(fd);
				return false;
			}
		}
	}
	if (fd >= 0)
		close(fd);
	return false;
}

/* ---- open sockets ---- */

struct entry {
	struct entry *next;
	ino_t inode;
	uint64_t cookie; /* 0: not seen yet */
	pid_t pid;
	char command[NAME_SIZE];
	/* IN_DOUBT: a look is due, or it showed a connection without telling over what */
	enum { IN_DOUBT, UNCONNECTED, LISTENING, COUNTED } progress;
	unsigned char missed; /* complete looks in a row that did not show it */
	unsigned int look; /* the last one that showed it */
	uint16_t port; /* of a listener */
};

static struct entry *table[1024];
static unsigned int entries, this_look, failed_looks;

/* Ports of listeners, now or once: spares the search for nearly all sockets of other programs. */
static uint8_t port_seen[65536 / 8];

static struct entry **place_of(ino_t inode)
{
	struct entry **at = &table[inode % COUNT(table)];

	while (*at && (*at)->inode != inode)
		at = &(*at)->next;
	return at;
}

static struct entry *add_entry(ino_t inode, pid_t pid, const char *command)
{
	struct entry **at = place_of(inode);
	struct entry *entry = *at;

	if (entry)
		return entry;
	entry = calloc(1, sizeof *entry);
	if (!entry)
		return NULL;
	entry->inode = inode;
	entry->pid = pid;
	memcpy(entry->command, command, sizeof entry->command);
	*at = entry;
	entries++;
	return entry;
}

/* ---- counting ---- */

static void count_connection(const struct entry *entry, enum mode mode, const struct row *row)
{
	static const char others[NAME_SIZE] = "(others)";
	struct results *results = observer.results;
	uint32_t reason = mode == MODE_TCP ? row->reason : 0;
	uint32_t diagnosis = mode == MODE_TCP ? row->diagnosis : 0;
	bool full = results->outcomes >= COUNT(results->outcome) - 4; /* the rest is for the modes of all others */
	const char *command = entry->command;

	for (int attempt = 0; attempt < 2; attempt++) {
		struct outcome *outcome = results->outcome;

		for (unsigned int i = 0; i < results->outcomes; i++, outcome++)
			if (outcome->mode == mode && outcome->reason == reason && outcome->diagnosis == diagnosis &&
			    !strncmp(outcome->command, command, NAME_SIZE)) {
				outcome->count++;
				return;
			}
		if (!full || attempt)
			break;
		command = others;
		reason = diagnosis = 0;
	}
	if (results->outcomes < COUNT(results->outcome)) {
		struct outcome *outcome = &results->outcome[results->outcomes++];

		*outcome = (struct outcome){ .mode = mode, .reason = reason, .diagnosis = diagnosis, .count = 1 };
		memcpy(outcome->command, command, NAME_SIZE);
	}
}

/* "address:port" as a JSON string. IPPROTO_SMC sockets have no address here (as of 6.12). */
static void print_address(char *text, size_t size, const uint32_t words[4], uint16_t port)
{
	static const uint32_t none[4];
	char address[INET6_ADDRSTRLEN];
	bool ipv4 = !words[1] && !words[2] && !words[3];

	if (!memcmp(words, none, sizeof none))
		snprintf(text, size, "\"*:%u\"", ntohs(port));
	else if (inet_ntop(ipv4 ? AF_INET : AF_INET6, words, address, sizeof address))
		snprintf(text, size, ipv4 ? "\"%s:%u\"" : "\"[%s]:%u\"", address, ntohs(port));
	else
		snprintf(text, size, "null");
}

/* `row` is NULL when nothing is known. */
static void settle(struct entry *entry, enum mode mode, const struct row *row)
{
	char local[INET6_ADDRSTRLEN + 12] = "null", peer[INET6_ADDRSTRLEN + 12] = "null";

	entry->progress = COUNTED;
	count_connection(entry, mode, row);
	if (observer.options->log_fd < 0)
		return;
	if (row) {
		print_address(local, sizeof local, row->socket.src, row->socket.sport);
		print_address(peer, sizeof peer, row->socket.dst, row->socket.dport);
	}
	put_line(observer.options->log_fd,
		 "{\"event\":\"connection\",\"pid\":%d,\"command\":%s,\"mode\":\"%s\",\"reason\":%s,\"peer_diagnosis\":%s,"
		 "\"local\":%s,\"peer\":%s}",
		 entry->pid, json_name(entry->command).text, mode_name(mode),
		 json_or_null(mode == MODE_TCP ? row->reason : 0).text,
		 json_or_null(mode == MODE_TCP ? row->diagnosis : 0).text, local, peer);
}

/*
 * The socket is gone. One that was last seen unconnected is no connection: its close() takes a while to come about on
 * a busy machine, and other looks may fall in between. What connects and is killed before the next look is lost.
 */
static void remove_entry(struct entry **at)
{
	struct entry *entry = *at;

	if (entry->progress == IN_DOUBT)
		settle(entry, MODE_UNKNOWN, NULL);
	*at = entry->next;
	free(entry);
	entries--;
}

/* ---- looking ---- */

/* A closed one without a link group is a connection that did not come about. */
static bool is_connected(const struct row *row)
{
	if (row->socket.state == STATE_CLOSED && row->socket.mode == DIAG_MODE_SMCR && !row->has_link_group)
		return false;
	return row->socket.state != STATE_INIT && row->socket.state != STATE_LISTEN && row->socket.dport;
}

static void update(struct entry *entry, const struct row *row)
{
	entry->look = this_look;
	entry->missed = 0;
	entry->cookie = row->cookie;
	if (entry->progress == COUNTED)
		return;
	if (row->socket.state == STATE_LISTEN) {
		entry->progress = LISTENING;
		entry->port = row->socket.sport;
		port_seen[entry->port / 8] |= (uint8_t)(1 << entry->port % 8);
	} else if (!is_connected(row)) {
		entry->progress = UNCONNECTED;
	} else if (row->socket.mode == DIAG_MODE_TCP) {
		settle(entry, MODE_TCP, row);
	} else if (row->socket.mode == DIAG_MODE_SMCD) {
		settle(entry, MODE_SMCD, row);
	} else if (row->has_link_group) {
		settle(entry, MODE_SMCR, row);
	} else {
		/* 0 is SMC-R, and also what remains when the link group has gone */
		entry->progress = IN_DOUBT;
	}
}

static const struct entry *listener_of(const struct row *row)
{
	if (!(port_seen[row->socket.sport / 8] & 1 << row->socket.sport % 8))
		return NULL;
	for (size_t i = 0; i < COUNT(table); i++)
		for (const struct entry *entry = table[i]; entry; entry = entry->next)
			if (entry->progress == LISTENING && entry->port == row->socket.sport)
				return entry;
	return NULL;
}

static bool look_at_row(const struct row *row, void *context)
{
	struct entry **at = place_of(row->inode);
	const struct entry *listener;

	(void)context;
	if (!row->inode) /* not accepted yet, or closed already */
		return true;
	if (*at && (*at)->cookie && (*at)->cookie != row->cookie)
		remove_entry(at); /* a new socket with the number of an old one */
	if (*at) {
		update(*at, row);
	} else if (is_connected(row) && (listener = listener_of(row))) {
		struct entry *entry = add_entry(row->inode, listener->pid, listener->command);

		if (entry)
			update(entry, row);
	}
	return true;
}

static bool look_for_one(const struct row *row, void *context)
{
	const ino_t *wanted = context;

	if (row->inode != *wanted)
		return true;
	look_at_row(row, NULL);
	return false;
}

static bool may_look(void)
{
	int64_t now = milliseconds();

	observer.allowance += (now - observer.allowance_at) / LOOK_SHARE;
	observer.allowance_at = now - (now - observer.allowance_at) % LOOK_SHARE;
	if (observer.allowance > LOOK_SAVED)
		observer.allowance = LOOK_SAVED;
	return observer.allowance >= 0;
}

static bool list_in_time(bool (*look)(const struct row *row, void *context), void *context)
{
	int64_t begin = milliseconds();
	bool complete = list_sockets(look, context);

	observer.allowance -= milliseconds() - begin;
	return complete;
}

/*
 * Sockets that two complete lists in a row did not show are gone: a list that changes meanwhile may skip some. When lists
 * fail again and again, as without smc_diag, nothing will be known of any socket, and none is kept.
 */
static void look_at_all(unsigned char enough_misses)
{
	bool complete;

	this_look++;
	complete = list_in_time(look_at_row, NULL);
	failed_looks = complete ? 0 : failed_looks + 1;
	if (failed_looks >= FAILED_LOOKS) {
		complete = true;
		enough_misses = 0;
	}
	for (size_t i = 0; complete && i < COUNT(table); i++) {
		struct entry **at = &table[i];

		while (*at) {
			if ((*at)->look != this_look && ++(*at)->missed >= enough_misses)
				remove_entry(at);
			else
				at = &(*at)->next;
		}
	}
	observer.next_look = milliseconds() + LOOK_EVERY;
}

/* ---- what the supervisor calls ---- */

void observe_start(const struct options *options, struct results *results)
{
	observer.options = options;
	observer.results = results;
	observer.allowance = LOOK_SAVED;
	observer.allowance_at = milliseconds();
}

void observe_opened(ino_t inode, pid_t pid, const char *command)
{
	struct entry **at = place_of(inode);

	if (*at)
		remove_entry(at);
	if (!entries)
		observer.next_look = milliseconds() + LOOK_EVERY;
	add_entry(inode, pid, command);
}

int observe_due(void)
{
	int64_t left;

	if (!entries)
		return -1;
	left = observer.next_look - milliseconds();
	if (left <= 0) {
		if (may_look())
			look_at_all(2);
		else
			observer.next_look = milliseconds() + LOOK_EVERY;
		left = entries ? LOOK_EVERY : -1;
	}
	return (int)left;
}

void observe_finish(void)
{
	if (!entries)
		return;
	look_at_all(1);
	if (failed_looks) {
		failed_looks = FAILED_LOOKS;
		look_at_all(0);
	}
}

/* The entry of an SMC socket behind a path of /proc/PID/fd that is not counted yet; NULL for anything else. */
static struct entry *open_question(const char *path, pid_t tid)
{
	char protocol[16] = "";
	struct stat file;
	struct entry *entry;

	/* sockfs tells the name of the protocol: SMC, SMC6, INET_SMC, INET6_SMC */
	if (getxattr(path, "system.sockprotoname", protocol, sizeof protocol - 1) < 0 || !strstr(protocol, "SMC") ||
	    stat(path, &file) < 0)
		return NULL;
	entry = *place_of(file.st_ino);
	if (!entry) {
		struct caller caller;

		if (!look_at_caller(tid, &caller))
			return NULL;
		if (!entries)
			observer.next_look = milliseconds() + LOOK_EVERY;
		entry = add_entry(file.st_ino, caller.pid, caller.command);
	}
	if (!entry || entry->progress == COUNTED || entry->progress == LISTENING)
		return NULL;
	return entry;
}

enum { CALL_PIDFD_OPEN = 434, CALL_PIDFD_GETFD = 438 }; /* the same on all machines of launch-filter.c */

/* The process of a thread, as a descriptor, or -1. */
static int open_process(pid_t tid)
{
	struct caller caller;

	return look_at_caller(tid, &caller) ? (int)syscall(CALL_PIDFD_OPEN, (long)caller.pid, 0L) : -1;
}

/*
 * True if the TCP socket within the SMC socket never had a segment to send or to receive. That needs no list, so it is
 * known also when a look fails or would take too long. False, too, when it cannot be told: that needs what ptrace needs.
 */
static bool never_connected(int process, int fd)
{
	struct { /* linux/tcp.h struct tcp_info; that of the C library is shorter */
		uint8_t state, others[135];
		uint32_t segs_out, segs_in;
	} info = { 0 };
	socklen_t size = sizeof info;
	int copy = process < 0 ? -1 : (int)syscall(CALL_PIDFD_GETFD, (long)process, (long)fd, 0L);
	bool known;

	_Static_assert(sizeof info == 144, "layout of the kernel");
	if (copy < 0)
		return false;
	known = getsockopt(copy, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && size == sizeof info;
	close(copy);
	return known && (info.state == TCP_CLOSE || info.state == TCP_LISTEN) && !info.segs_out && !info.segs_in;
}

/* It may have been connected since the last look, and is about to go: what that look showed does not hold any more. */
static void open_again(struct entry *entry, int process, int fd)
{
	entry->progress = never_connected(process, fd) ? UNCONNECTED : IN_DOUBT;
}

void observe_close(pid_t tid, int fd)
{
	char path[48];
	struct entry *entry;
	ino_t wanted;
	int process;

	if (!observer.options)
		return;
	snprintf(path, sizeof path, "/proc/%d/fd/%d", tid, fd);
	entry = open_question(path, tid);
	if (!entry)
		return;
	process = open_process(tid);
	open_again(entry, process, fd);
	if (process >= 0)
		close(process);
	if (!may_look())
		return;
	wanted = entry->inode;
	list_in_time(look_for_one, &wanted);
}

void observe_exit(pid_t tid)
{
	char path[320];
	bool questions = false;
	struct entry *entry;
	DIR *directory;
	const struct dirent *file;
	int process;

	if (!observer.options)
		return;
	snprintf(path, sizeof path, "/proc/%d/fd", tid);
	directory = opendir(path);
	if (!directory)
		return;
	process = open_process(tid);
	while ((file = readdir(directory))) {
		snprintf(path, sizeof path, "/proc/%d/fd/%s", tid, file->d_name);
		entry = open_question(path, tid);
		if (!entry)
			continue;
		open_again(entry, process, atoi(file->d_name));
		questions = true;
	}
	closedir(directory);
	if (process >= 0)
		close(process);
	if (!questions || !may_look())
		return;
	look_at_all(2);
}
