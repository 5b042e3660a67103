// SPDX-License-Identifier: MIT
/*
 * openFileSystem(type)
 *
 * gives a descriptor of the root of a file system of the kernel, such as tracefs, that is mounted nowhere: others do not
 * see it, and it is gone when the descriptor is closed.
 */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Since Linux 5.2, with the same numbers on all machines; C libraries do not have them all. */
enum { NR_FSOPEN = 430, NR_FSCONFIG = 431, NR_FSMOUNT = 432 };

/* linux/mount.h */
enum {
	OPEN_CLOEXEC = 1,   /* FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC */
	CONFIG_CREATE = 6,  /* FSCONFIG_CMD_CREATE */
	ATTR_NOTHING = 0xe, /* MOUNT_ATTR_NOSUID, _NODEV, _NOEXEC */
};

/* @return the system call that failed, with errno; NULL when all is done */
static const char *open_file_system(const char *type, int *fd)
{
	const char *failed = NULL;
	int error, context = (int)syscall(NR_FSOPEN, type, OPEN_CLOEXEC);

	if (context < 0)
		return "fsopen";
	if (syscall(NR_FSCONFIG, context, CONFIG_CREATE, NULL, NULL, 0) < 0)
		failed = "fsconfig";
	else if ((*fd = (int)syscall(NR_FSMOUNT, context, OPEN_CLOEXEC, ATTR_NOTHING)) < 0)
		failed = "fsmount";
	error = errno;
	close(context);
	errno = error;
	return failed;
}

napi_value js_open_file_system(napi_env env, napi_callback_info info)
{
	size_t argc = 1;
	napi_value args[1], result = NULL;
	const char *failed;
	char *type;
	int fd = -1;

	if (napi_get_cb_info(env, info, &argc, args, NULL, NULL) != napi_ok)
		return throw_unexpected(env), NULL;
	type = get_bytes(env, args[0], "type must be a string or a Uint8Array", "fsopen");
	if (type && (failed = open_file_system(type, &fd)))
		throw_errno(env, errno, failed, NULL);
	else if (type && napi_create_int32(env, fd, &result) != napi_ok) {
		close(fd);
		throw_unexpected(env);
	}
	free(type);
	return result;
}
