// SPDX-License-Identifier: MIT
/*
 * Both ends of a TCP connection over the loopback: a child sends bytes, the parent sends them back, the child compares.
 * Prints "same". With the argument "flags", it checks flags and limits of sockets instead, and prints "kept".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 10000, CHUNKS = 20 };

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void write_all(int fd, const unsigned char *data, size_t length)
{
	while (length > 0) {
		ssize_t count = write(fd, data, length);

		if (count <= 0)
			fail("write");
		data += count;
		length -= (size_t)count;
	}
}

static int ask(const struct sockaddr_in *address)
{
	static unsigned char sent[CHUNK], received[CHUNK];
	unsigned int state = 42;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) < 0)
		fail("connect");
	for (int chunk = 0; chunk < CHUNKS; chunk++) {
		for (int i = 0; i < CHUNK; i++) {
			state = state * 1103515245 + 12345;
			sent[i] = (unsigned char)(state >> 16);
		}
		write_all(fd, sent, CHUNK);
		for (size_t have = 0; have < CHUNK;) {
			ssize_t count = read(fd, received + have, CHUNK - have);

			if (count <= 0)
				fail("read");
			have += (size_t)count;
		}
		if (memcmp(sent, received, CHUNK) != 0)
			return 1;
	}
	close(fd);
	return 0;
}

static int pair(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	static unsigned char data[CHUNK];
	int status = 1, fd;
	ssize_t count;
	pid_t child;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 5) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		fail("listen");
	child = fork();
	if (child == 0)
		_exit(ask(&address));
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		fail("accept");
	while ((count = read(fd, data, sizeof data)) > 0)
		write_all(fd, data, (size_t)count);
	waitpid(child, &status, 0);
	puts(status == 0 ? "same" : "different");
	return status != 0;
}

/* Also lowers the limit of descriptors until none is left: socket() must then fail with EMFILE. */
static int flags(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	int other = socket(AF_INET6, SOCK_STREAM, 0);
	struct rlimit limit = { .rlim_cur = (rlim_t)other + 1, .rlim_max = (rlim_t)other + 1 };
	int error;

	if (!(fcntl(fd, F_GETFL) & O_NONBLOCK) || !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
		return puts("lost"), 1;
	if (fcntl(other, F_GETFL) & O_NONBLOCK || fcntl(other, F_GETFD) & FD_CLOEXEC)
		return puts("gained"), 1;
	if (fd != 3 || other != 4)
		return printf("numbers %d and %d\n", fd, other), 1;
	setrlimit(RLIMIT_NOFILE, &limit);
	error = socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
	if (error != EMFILE)
		return printf("errno %d\n", error), 1;
	close(fd);
	if (socket(AF_INET, SOCK_STREAM, 0) != fd)
		return puts("not the lowest number"), 1;
	puts("kept");
	return 0;
}

int main(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], "flags") == 0 ? flags() : pair();
}
