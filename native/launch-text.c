// SPDX-License-Identifier: MIT
/* Lines for the log and for stderr, and the result document. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "launch.h"

void put_line(int fd, const char *format, ...)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	char text[1024];
	va_list values;
	int length;

	va_start(values, format);
	length = vsnprintf(text, sizeof text - 1, format, values);
	va_end(values);
	if (length < 0)
		return;
	if (length > (int)sizeof text - 2)
		length = (int)sizeof text - 2;
	text[length++] = '\n';
	/* A pipe that is ready takes PIPE_BUF bytes at once, and a line is shorter. Without a reader it is also in error. */
	if (poll(&ready, 1, 0) == 1 && ready.revents == POLLOUT && write(fd, text, (size_t)length) < 0)
		return; /* nobody to tell */
}

struct json_name json_name(const char *name)
{
	struct json_name json;
	char *at = json.text;

	*at++ = '"';
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (c == '"' || c == '\\') {
			*at++ = '\\';
			*at++ = (char)c;
		} else if (c < ' ' || c >= 0x7f) {
			/* names are bytes of no known encoding */
			at += sprintf(at, "\\u%04x", c < 0x80 ? c : 0xfffdU);
		} else {
			*at++ = (char)c;
		}
	}
	*at++ = '"';
	*at = '\0';
	return json;
}

struct json_number json_or_null(uint32_t value)
{
	struct json_number json = { "null" };

	if (value)
		snprintf(json.text, sizeof json.text, "%" PRIu32, value);
	return json;
}

const char *mode_name(enum mode mode)
{
	static const char *const names[] = { "unknown", "smcr", "smcd", "tcp" };

	return names[mode];
}

bool write_results(int fd, const struct results *results, int status, int signal, bool observed)
{
	bool good = true;

	good &= dprintf(fd, "{\"status\":") > 0;
	good &= (signal ? dprintf(fd, "null,\"signal\":%d", signal) : dprintf(fd, "%d,\"signal\":null", status)) > 0;
	good &= dprintf(fd, ",\"observed\":%s,\"sockets\":{\"smc\":%" PRIu64 ",\"tcp\":%" PRIu64 "},\"refused\":[",
			observed ? "true" : "false", results->smc, results->tcp) > 0;
	for (unsigned int i = 0; i < results->refusals; i++)
		good &= dprintf(fd, "%s{\"errno\":%d,\"count\":%" PRIu64 "}", i ? "," : "", results->refusal[i].error,
				results->refusal[i].count) > 0;
	good &= dprintf(fd, "],\"connections\":[") > 0;
	for (unsigned int i = 0; i < results->outcomes; i++) {
		const struct outcome *outcome = &results->outcome[i];

		good &= dprintf(fd, "%s{\"command\":%s,\"mode\":\"%s\",\"reason\":%s,\"peer_diagnosis\":%s,\"count\":%" PRIu64 "}",
				i ? "," : "", json_name(outcome->command).text, mode_name(outcome->mode),
				json_or_null(outcome->reason).text, json_or_null(outcome->diagnosis).text,
				outcome->count) > 0;
	}
	good &= dprintf(fd, "]}\n") > 0;
	return good;
}
