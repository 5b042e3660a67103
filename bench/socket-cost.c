// SPDX-License-Identifier: MIT
/*
 * Measures the cost of a TCP socket: opens and closes N of them (default 100000) and prints the nanoseconds per pair.
 * Run it plain, under LD_PRELOAD=…/libsmc-preload.so and under smc-launch; the difference is the cost of the way and of AF_SMC.
 *
 *   cc -O2 -o socket-cost bench/socket-cost.c
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
	long pairs = argc > 1 ? strtol(argv[1], NULL, 10) : 100000;
	const char *text = getenv("SOCKET_COST_FAMILY"); /* 43: AF_SMC without the preload library */
	int family = text ? atoi(text) : AF_INET;
	double start;

	if (pairs < 1) {
		fprintf(stderr, "usage: %s [pairs]\n", argv[0]);
		return 1;
	}
	start = now_ns();
	for (long i = 0; i < pairs; i++) {
		int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, family == AF_INET ? IPPROTO_TCP : 0);

		if (fd < 0) {
			perror("socket");
			return 1;
		}
		close(fd);
	}
	printf("%.0f ns per socket() and close(), %ld pairs\n", (now_ns() - start) / (double)pairs, pairs);
	return 0;
}
