// SPDX-License-Identifier: MIT
/* A preloaded library whose constructor opens a socket before the constructor of ours has run. */
#include <sys/socket.h>
#include <unistd.h>

__attribute__((constructor)) static void open_early(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd >= 0)
		close(fd);
}
