// SPDX-License-Identifier: MIT
/*
 * Linked into smc-launch, this plays a kernel with SMC: an SMC socket is a TCP socket with a mark (SO_PRIORITY).
 * STAND_IN_REFUSE in the environment is an errno to refuse with instead, STAND_IN_DIE a signal to end by.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int socket(int domain, int type, int protocol)
{
	const char *refuse = getenv("STAND_IN_REFUSE"), *die = getenv("STAND_IN_DIE");
	int mark = 5, fd;

	if (domain != 43 && protocol != 256)
		return (int)syscall(SYS_socket, (long)domain, (long)type, (long)protocol);
	if (die)
		kill(getpid(), atoi(die));
	if (refuse) {
		errno = atoi(refuse);
		return -1;
	}
	if (domain == 43)
		domain = protocol == 1 ? AF_INET6 : AF_INET;
	fd = (int)syscall(SYS_socket, (long)domain, (long)type, (long)IPPROTO_TCP);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &mark, sizeof mark);
	return fd;
}
