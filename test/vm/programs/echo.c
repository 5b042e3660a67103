// SPDX-License-Identifier: MIT
/*
 * Echo server and client in several forms, to be linked statically.
 *
 *   echo serve SHAPE PORT COUNT     SHAPE: plain, fork (a child each, which exits with its socket open), thread, ipv6,
 *                                   reuse (two processes on one port, COUNT each at most, until SIGTERM)
 *   echo ask SHAPE PORT BYTES COUNT SHAPE: plain, thread (all at once), mapped (::ffff:127.0.0.1)
 *   echo hold PORT                  connects and waits for its end
 *
 * A client sends BYTES of pseudo-random data over each of COUNT connections, checks what comes back, and prints
 * "same COUNT" or what is wrong.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void echo(int fd)
{
	char buffer[16384];
	ssize_t length;

	while ((length = read(fd, buffer, sizeof buffer)) > 0)
		for (ssize_t done = 0, n; done < length; done += n)
			if ((n = write(fd, buffer + done, (size_t)(length - done))) < 0)
				return;
}

static void *echo_thread(void *argument)
{
	int fd = (int)(long)argument;

	echo(fd);
	close(fd);
	return NULL;
}

static int listener(bool ipv6, int port, bool reuse)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	int on = 1;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (reuse && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
		die("SO_REUSEPORT");
	if (bind(fd, ipv6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4, ipv6 ? sizeof v6 : sizeof v4) < 0)
		die("bind");
	if (listen(fd, 128) < 0)
		die("listen");
	return fd;
}

static void serve(const char *shape, int port, int count)
{
	bool reuse = !strcmp(shape, "reuse");
	pthread_t threads[256];
	int fd;

	if (reuse)
		fork();
	fd = listener(!strcmp(shape, "ipv6"), port, reuse);
	for (int i = 0; i < count; i++) {
		int peer = accept(fd, NULL, NULL);

		if (peer < 0)
			die("accept");
		if (!strcmp(shape, "fork")) {
			if (fork() == 0) {
				echo(peer);
				_exit(0);
			}
			close(peer);
		} else if (!strcmp(shape, "thread")) {
			if (pthread_create(&threads[i], NULL, echo_thread, (void *)(long)peer) != 0)
				die("pthread_create");
		} else {
			echo(peer);
			close(peer);
		}
	}
	if (!strcmp(shape, "thread"))
		for (int i = 0; i < count; i++)
			pthread_join(threads[i], NULL);
	while (wait(NULL) > 0)
		;
}

/* How many threads may be in connect(): the kernel gives a handshake 6 s, and on a slow machine many at once take longer. */
enum { CONNECTING = 8 };
static sem_t room;

static int connection(bool mapped, int port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int fd = socket(mapped ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		die("socket");
	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6.sin6_addr);
	sem_wait(&room);
	if (connect(fd, mapped ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4, mapped ? sizeof v6 : sizeof v4) < 0)
		die("connect");
	sem_post(&room);
	return fd;
}

static int bytes, port_of_all;
static bool mapped_of_all;
static atomic_int same;

static void *ask_once(void *argument)
{
	uint32_t sent = 1 + (uint32_t)(long)argument, expected = sent;
	int fd = connection(mapped_of_all, port_of_all);
	unsigned char buffer[4096];

	for (int left = bytes; left > 0;) {
		int chunk = left < (int)sizeof buffer ? left : (int)sizeof buffer;

		for (int i = 0; i < chunk; i++)
			buffer[i] = (unsigned char)((sent = sent * 1103515245 + 12345) >> 16);
		if (write(fd, buffer, (size_t)chunk) != chunk)
			die("write");
		for (int got = 0; got < chunk;) {
			ssize_t n = read(fd, buffer + got, (size_t)(chunk - got));

			if (n <= 0)
				die("read");
			got += (int)n;
		}
		for (int i = 0; i < chunk; i++)
			if (buffer[i] != (unsigned char)((expected = expected * 1103515245 + 12345) >> 16)) {
				printf("different\n");
				exit(1);
			}
		left -= chunk;
	}
	close(fd);
	atomic_fetch_add(&same, 1);
	return NULL;
}

static void ask(const char *shape, int count)
{
	pthread_t threads[256];
	bool parallel = !strcmp(shape, "thread");

	mapped_of_all = !strcmp(shape, "mapped");
	for (int i = 0; i < count; i++)
		if (!parallel)
			ask_once((void *)(long)i);
		else if (pthread_create(&threads[i], NULL, ask_once, (void *)(long)i) != 0)
			die("pthread_create");
	for (int i = 0; parallel && i < count; i++)
		pthread_join(threads[i], NULL);
	printf("same %d\n", same);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	sem_init(&room, 0, CONNECTING);
	if (argc == 5 && !strcmp(argv[1], "serve")) {
		serve(argv[2], atoi(argv[3]), atoi(argv[4]));
	} else if (argc == 6 && !strcmp(argv[1], "ask")) {
		port_of_all = atoi(argv[3]);
		bytes = atoi(argv[4]);
		ask(argv[2], atoi(argv[5]));
	} else if (argc == 3 && !strcmp(argv[1], "hold")) {
		connection(false, atoi(argv[2]));
		pause();
	} else {
		return 2;
	}
	return 0;
}
