// SPDX-License-Identifier: MIT
// errno-of [FAMILY TYPE PROTOCOL]…: opens sockets by the system call itself, and prints the errno of each, or 0.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	for (int i = 1; i + 2 < argc; i += 3) {
		long fd = syscall(SYS_socket, atol(argv[i]), atol(argv[i + 1]), atol(argv[i + 2]));

		printf("%d\n", fd < 0 ? errno : 0);
		if (fd >= 0)
			close((int)fd);
	}
	return 0;
}
