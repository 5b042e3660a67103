// SPDX-License-Identifier: MIT
/* What /proc tells about a process that waits in a system call. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/audit.h>

#include "glob.h"
#include "launch.h"

/* Reads the begin of a file as a string. Returns its length, -1 if it cannot be read. */
static ssize_t read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -1;
	length = read(fd, text, size - 1);
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	return length;
}

/* The number with this index in the line `name:` of /proc/PID/status. */
static unsigned long status_number(const char *status, const char *name, int index)
{
	const char *at = strstr(status, name);

	if (!at)
		return 0;
	at += strlen(name);
	for (; index > 0; index--) {
		at += strspn(at, " \t");
		at += strcspn(at, " \t\n");
	}
	return strtoul(at, NULL, 10);
}

bool look_at_caller(pid_t tid, struct caller *caller)
{
	char path[40], text[1024];
	ssize_t length;

	memset(caller, 0, sizeof *caller);
	snprintf(path, sizeof path, "/proc/%d/status", tid);
	if (read_file(path, text, sizeof text) <= 0)
		return false;
	caller->tid = tid;
	caller->pid = (pid_t)status_number(text, "\nTgid:", 0);
	caller->fsuid = (uid_t)status_number(text, "\nUid:", 3);
	caller->fsgid = (gid_t)status_number(text, "\nGid:", 3);
	snprintf(path, sizeof path, "/proc/%d/comm", caller->pid);
	length = read_file(path, caller->command, sizeof caller->command);
	if (length > 0 && caller->command[length - 1] == '\n')
		caller->command[length - 1] = '\0';
	return true;
}

static bool any_matches(const struct words *patterns, const char *name)
{
	for (int i = 0; i < patterns->count; i++)
		if (glob_matches(patterns->list[i], strlen(patterns->list[i]), name))
			return true;
	return false;
}

bool command_chosen(const struct options *options, const struct caller *caller)
{
	static const char deleted[] = " (deleted)"; /* added by the kernel */
	char path[40], file[4096];
	const char *name = "";
	ssize_t length;

	if (!options->only.count && !options->except.count)
		return true;
	snprintf(path, sizeof path, "/proc/%d/exe", caller->pid);
	length = readlink(path, file, sizeof file - 1);
	if (length > 0) {
		file[length] = '\0';
		if ((size_t)length > strlen(deleted) && !strcmp(file + length - strlen(deleted), deleted))
			file[(size_t)length - strlen(deleted)] = '\0';
		name = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
	}
	if (any_matches(&options->except, name) || any_matches(&options->except, caller->command))
		return false;
	return !options->only.count || any_matches(&options->only, name) ||
	       any_matches(&options->only, caller->command);
}

bool read_socketcall(pid_t tid, const struct seccomp_data *data, int arguments[3])
{
	unsigned int size = long_size(data);
	uint64_t longs[3];
	uint32_t words[3];
	uint64_t address = data->args[1];
	struct iovec here = { size == 8 ? (void *)longs : (void *)words, 3 * size };
	struct iovec there = { NULL, 3 * size };

	if (size == 4)
		address &= data->arch == AUDIT_ARCH_S390 ? 0x7fffffff : 0xffffffff;
	there.iov_base = (void *)(uintptr_t)address;
	if (process_vm_readv(tid, &here, 1, &there, 1, 0) != (ssize_t)here.iov_len)
		return false;
	for (int i = 0; i < 3; i++)
		arguments[i] = size == 8 ? (int)longs[i] : (int)words[i];
	return true;
}
