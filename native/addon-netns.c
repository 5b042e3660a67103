// SPDX-License-Identifier: MIT
/*
 * enterNetworkNamespace(file)
 *
 * moves the main thread to a network namespace, for good.
 *
 * setNetworkNamespace(file)
 *
 * moves the main thread to a network namespace, from which it will return: /sys stays as it is.
 *
 * interfaceIndex(name)
 *
 * index of an interface in the namespace of the calling thread, which /sys does not show then.
 *
 * networkNamespaceCookie()
 *
 * number of the namespace of the calling thread, as tracepoints write it.
 */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char *set_network_namespace(const char *file)
{
	int error, fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return "open";
	if (setns(fd, CLONE_NEWNET) < 0) {
		error = errno;
		close(fd);
		errno = error;
		return "setns";
	}
	close(fd);
	return NULL;
}

/*
 * What is below /sys/class/net belongs to the namespace of the process that has mounted sysfs, not to that of the
 * reader. So sysfs is mounted anew, in a mount namespace of this thread, which nobody outside sees. The flags of the
 * old mount stay: in a container, a kernel refuses to mount with fewer.
 *
 * @return the system call that failed, with errno; NULL when all is done
 */
static const char *enter_network_namespace(const char *file)
{
	struct statvfs old;
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	const char *failed = set_network_namespace(file);

	if (failed)
		return failed;
	if (unshare(CLONE_NEWNS) < 0)
		return "unshare";
	if (mount("", "/sys", "none", MS_SLAVE, NULL) < 0)
		return "mount";
	if (statvfs("/sys", &old) == 0 && (old.f_flag & ST_RDONLY))
		flags |= MS_RDONLY;
	/* EBUSY: the same one is on top already */
	return mount("sysfs", "/sys", "sysfs", flags, NULL) < 0 && errno != EBUSY ? "mount" : NULL;
}

static napi_value with_file(napi_env env, napi_callback_info info, const char *(*act)(const char *file))
{
	size_t argc = 1;
	napi_value args[1];
	const char *failed;
	char *file;

	if (napi_get_cb_info(env, info, &argc, args, NULL, NULL) != napi_ok)
		return throw_unexpected(env), NULL;
	file = get_bytes(env, args[0], "file must be a string or a Uint8Array", "open");
	if (file && (failed = act(file)))
		throw_errno(env, errno, failed, NULL);
	free(file);
	return NULL;
}

napi_value js_enter_network_namespace(napi_env env, napi_callback_info info)
{
	return with_file(env, info, enter_network_namespace);
}

napi_value js_set_network_namespace(napi_env env, napi_callback_info info)
{
	return with_file(env, info, set_network_namespace);
}

/* 0 for a name that no interface has */
napi_value js_interface_index(napi_env env, napi_callback_info info)
{
	size_t argc = 1;
	napi_value args[1], index = NULL;
	char *name;

	if (napi_get_cb_info(env, info, &argc, args, NULL, NULL) != napi_ok)
		return throw_unexpected(env), NULL;
	name = get_bytes(env, args[0], "name must be a string or a Uint8Array", "ioctl");
	if (name && napi_create_uint32(env, if_nametoindex(name), &index) != napi_ok)
		throw_unexpected(env);
	free(name);
	return index;
}

/* A bigint. Since Linux 5.14; ENOPROTOOPT before. */
napi_value js_network_namespace_cookie(napi_env env, napi_callback_info info)
{
	enum { NETNS_COOKIE = 71 }; /* SO_NETNS_COOKIE in asm-generic/socket.h */
	uint64_t cookie = 0;
	socklen_t size = sizeof cookie;
	napi_value result = NULL;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)info;
	if (fd < 0) {
		throw_errno(env, errno, "socket", NULL);
		return NULL;
	}
	if (getsockopt(fd, SOL_SOCKET, NETNS_COOKIE, &cookie, &size) < 0)
		throw_errno(env, errno, "getsockopt", NULL);
	else if (napi_create_bigint_uint64(env, cookie, &result) != napi_ok)
		throw_unexpected(env);
	close(fd);
	return result;
}
