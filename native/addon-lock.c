// SPDX-License-Identifier: MIT
/*
 * lockFile(fd, waits)
 *
 * locks an open file for this process alone (flock(2)), and tells whether that worked. Without `waits`, it does not wait
 * for another process that has the lock. The lock ends when the descriptor is closed, and so with the process, however
 * that ends.
 */
#include "addon.h"

#include <errno.h>
#include <sys/file.h>

napi_value js_lock_file(napi_env env, napi_callback_info info)
{
	size_t argc = 2;
	napi_value args[2], result = NULL;
	int32_t fd;
	bool waits;
	int status;

	if (napi_get_cb_info(env, info, &argc, args, NULL, NULL) != napi_ok)
		return throw_unexpected(env), NULL;
	if (napi_get_value_int32(env, args[0], &fd) != napi_ok || napi_get_value_bool(env, args[1], &waits) != napi_ok)
		return throw_type(env, "a descriptor and a boolean are needed"), NULL;
	do
		status = flock(fd, waits ? LOCK_EX : LOCK_EX | LOCK_NB);
	while (status < 0 && errno == EINTR);
	if (status < 0 && errno != EWOULDBLOCK)
		throw_errno(env, errno, "flock", NULL);
	else if (napi_get_boolean(env, status == 0, &result) != napi_ok)
		throw_unexpected(env);
	return result;
}
