// SPDX-License-Identifier: MIT
/* An echo server, linked statically, that notifies systemd when it listens. static-echo PORT */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void notify_ready(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	int fd;

	if (!path || strlen(path) >= sizeof address.sun_path)
		return;
	strcpy(address.sun_path, path);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&address,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;

	if (argc != 2)
		return 2;
	address.sin_port = htons((in_port_t)atoi(argv[1]));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 5))
		return 1;
	notify_ready();
	for (;;) {
		int connection = accept(listener, NULL, NULL);
		char data[4096];
		ssize_t length;

		while ((length = read(connection, data, sizeof data)) > 0)
			if (write(connection, data, (size_t)length) < 0)
				break;
		close(connection);
	}
}
