// SPDX-License-Identifier: MIT
/*
 * The observer of smc-launch on a kernel without SMC. TCP sockets with a mark (SO_PRIORITY) pass for SMC, and what
 * smc_diag says of them is made up here. The program being watched is this one. Prints TAP.
 */
#define _GNU_SOURCE
#include <sys/socket.h>
#include <sys/xattr.h>

static int netlink_socket(int domain, int type, int protocol);
static ssize_t take_request(int fd, const void *data, size_t length, int flags);
static ssize_t give_list(int fd, void *data, size_t size, int flags);
static ssize_t protocol_name(const char *path, const char *name, void *value, size_t size);

#define socket netlink_socket
#define send take_request
#define recv give_list
#define getxattr protocol_name
#include "../../native/launch-observe.c"
#undef socket
#undef send
#undef recv
#undef getxattr

enum { MARK = 5, STATE_ACTIVE = 1, FAMILY = 43, NO_PEER = 0, PEER = 7 };

/* ---- the kernel ---- */

static struct diag_socket listed[8];
static unsigned int list_length;
static bool list_fails, list_sent;

static int netlink_socket(int domain, int type, int protocol)
{
	(void)domain, (void)protocol;
	return socket(AF_UNIX, SOCK_DGRAM | (type & SOCK_CLOEXEC), 0);
}

static ssize_t take_request(int fd, const void *data, size_t length, int flags)
{
	(void)fd, (void)data, (void)flags;
	list_sent = false;
	return (ssize_t)length;
}

static ssize_t give_list(int fd, void *data, size_t size, int flags)
{
	char *at = data;

	(void)fd, (void)size, (void)flags;
	if (list_fails) {
		errno = EAGAIN;
		return -1;
	}
	for (unsigned int i = 0; i < list_length && !list_sent; i++) {
		struct nlmsghdr *header = (struct nlmsghdr *)at;

		*header = (struct nlmsghdr){ .nlmsg_len = NLMSG_LENGTH(sizeof listed[i]),
					     .nlmsg_type = SOCK_DIAG_BY_FAMILY_TYPE };
		memcpy(NLMSG_DATA(header), &listed[i], sizeof listed[i]);
		at += header->nlmsg_len;
	}
	if (at == data) {
		struct nlmsghdr *header = (struct nlmsghdr *)at;

		*header = (struct nlmsghdr){ .nlmsg_len = NLMSG_LENGTH(sizeof(int)), .nlmsg_type = NLMSG_DONE };
		memset(NLMSG_DATA(header), 0, sizeof(int));
		at += header->nlmsg_len;
	}
	list_sent = true;
	return at - (char *)data;
}

static ssize_t protocol_name(const char *path, const char *name, void *value, size_t size)
{
	int mark = 0;
	socklen_t length = sizeof mark;

	(void)name, (void)size;
	getsockopt(atoi(strrchr(path, '/') + 1), SOL_SOCKET, SO_PRIORITY, &mark, &length);
	if (mark != MARK)
		return -1;
	memcpy(value, "SMC", 4);
	return 3;
}

/* ---- the program ---- */

static ino_t inode_of(int fd)
{
	struct stat file;

	return fstat(fd, &file) == 0 ? file.st_ino : 0;
}

static void mark(int fd)
{
	int value = MARK;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &value, sizeof value) < 0) {
		perror("socket");
		exit(1);
	}
}

static int open_smc(void)
{
	static const char command[NAME_SIZE] = "program";
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	mark(fd);
	observe_opened(inode_of(fd), getpid(), command);
	return fd;
}

/* From now on smc_diag shows the socket like this. */
static void show(int fd, uint8_t state, uint8_t mode, uint16_t dport)
{
	uint64_t inode = inode_of(fd);
	unsigned int i = 0;

	while (i < list_length && memcmp(listed[i].inode, &inode, sizeof inode) != 0)
		i++;
	if (i == list_length)
		list_length++;
	listed[i] = (struct diag_socket){ .family = FAMILY, .state = state, .mode = mode, .dport = dport };
	memcpy(listed[i].inode, &inode, sizeof inode);
	memcpy(listed[i].cookie, &inode, sizeof inode);
}

/* Connects by TCP; the other end is nobody's. */
static void connect_to_somebody(int fd)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0 ||
	    connect(fd, (struct sockaddr *)&address, length) < 0) {
		perror("connect");
		exit(1);
	}
	close(listener);
}

static void vanish(int fd)
{
	close(fd);
	list_length = 0;
	look_at_all(2);
	look_at_all(2);
}

/* ---- the checks ---- */

static struct results results;
static unsigned int checks;

/* Nothing is open any more, and since the last time this came of it. */
static void expect(const char *name, unsigned int smcd, unsigned int tcp, unsigned int unknown)
{
	uint64_t counts[MODE_TCP + 1] = { 0 };
	bool good;

	for (unsigned int i = 0; i < results.outcomes; i++)
		counts[results.outcome[i].mode] += results.outcome[i].count;
	good = entries == 0 && counts[MODE_SMCD] == smcd && counts[MODE_TCP] == tcp && counts[MODE_UNKNOWN] == unknown &&
	       counts[MODE_SMCR] == 0;
	printf("%sok %u - %s\n", good ? "" : "not ", ++checks, name);
	if (!good)
		printf("# %u kept, %d SMC-D, %d TCP, %d unknown\n", entries, (int)counts[MODE_SMCD], (int)counts[MODE_TCP],
		       (int)counts[MODE_UNKNOWN]);
	memset(&results, 0, sizeof results);
	list_fails = false;
	list_length = 0;
	failed_looks = 0;
	observer.allowance = LOOK_SAVED;
}

static void unconnected(pid_t self)
{
	int fd = open_smc();

	show(fd, STATE_INIT, DIAG_MODE_SMCR, NO_PEER);
	observe_close(self, fd);
	look_at_all(2);
	vanish(fd);
	expect("unconnected, a look between the report of its close() and its end", 0, 0, 0);

	fd = open_smc();
	show(fd, STATE_INIT, DIAG_MODE_SMCR, NO_PEER);
	observe_exit(self);
	look_at_all(2);
	vanish(fd);
	expect("the same with exit_group()", 0, 0, 0);

	fd = open_smc();
	observer.allowance = -1000000;
	observe_close(self, fd);
	vanish(fd);
	expect("unconnected, no time for a look at its end", 0, 0, 0);

	fd = open_smc();
	list_fails = true;
	observe_close(self, fd);
	list_fails = false;
	vanish(fd);
	expect("unconnected, the look fails", 0, 0, 0);

	fd = open_smc();
	observer.allowance = -1000000;
	observe_exit(self);
	vanish(fd);
	expect("unconnected, no time when the process exits", 0, 0, 0);

	fd = open_smc();
	if (listen(fd, 1) < 0)
		exit(1);
	observer.allowance = -1000000;
	observe_close(self, fd);
	vanish(fd);
	expect("a listener, no time", 0, 0, 0);

	fd = open_smc();
	show(fd, STATE_INIT, DIAG_MODE_SMCR, NO_PEER);
	look_at_all(2);
	vanish(fd);
	expect("last seen unconnected, and killed", 0, 0, 0);

	fd = open_smc();
	connect_to_somebody(fd);
	show(fd, STATE_INIT, DIAG_MODE_SMCR, PEER);
	observe_close(self, fd);
	look_at_all(2);
	vanish(fd);
	expect("the connection failed", 0, 0, 0);
}

static void connected(pid_t self)
{
	int fd = open_smc(), copy;

	connect_to_somebody(fd);
	show(fd, STATE_ACTIVE, DIAG_MODE_SMCD, PEER);
	observe_close(self, fd);
	show(fd, STATE_CLOSED, DIAG_MODE_SMCR, PEER);
	look_at_all(2);
	vanish(fd);
	expect("counted once, though it is seen closed later", 1, 0, 0);

	fd = open_smc();
	connect_to_somebody(fd);
	show(fd, STATE_ACTIVE, DIAG_MODE_SMCD, PEER);
	look_at_all(2);
	vanish(fd);
	expect("seen connected, and killed", 1, 0, 0);

	fd = open_smc();
	vanish(fd);
	expect("killed before the first look", 0, 0, 1);

	fd = open_smc();
	show(fd, STATE_INIT, DIAG_MODE_SMCR, NO_PEER);
	look_at_all(2);
	connect_to_somebody(fd);
	observer.allowance = -1000000;
	observe_close(self, fd);
	vanish(fd);
	expect("connected after the last look, no time at its end", 0, 0, 1);

	fd = open_smc();
	connect_to_somebody(fd);
	list_fails = true;
	observe_exit(self);
	list_fails = false;
	vanish(fd);
	expect("connected, the look fails when the process exits", 0, 0, 1);

	fd = open_smc();
	copy = dup(fd);
	show(fd, STATE_INIT, DIAG_MODE_SMCR, NO_PEER);
	observe_close(self, copy);
	close(copy);
	connect_to_somebody(fd);
	show(fd, STATE_ACTIVE, DIAG_MODE_TCP, PEER);
	observe_close(self, fd);
	vanish(fd);
	expect("connected after a copy of the descriptor was closed", 0, 1, 0);

	fd = open_smc();
	copy = dup(fd);
	show(fd, STATE_INIT, DIAG_MODE_SMCR, NO_PEER);
	observe_close(self, copy);
	close(copy);
	connect_to_somebody(fd);
	observer.allowance = -1000000;
	observe_close(self, fd);
	vanish(fd);
	expect("the same, no time", 0, 0, 1);

	fd = socket(AF_INET, SOCK_STREAM, 0);
	mark(fd);
	connect_to_somebody(fd);
	observer.allowance = -1000000;
	observe_close(self, fd);
	vanish(fd);
	expect("accepted, no time", 0, 0, 1);
}

int main(void)
{
	static const struct options options = { .observe = true, .log_fd = -1 };

	observe_start(&options, &results);
	unconnected(getpid());
	connected(getpid());
	printf("1..%u\n", checks);
	return 0;
}
