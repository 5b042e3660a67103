// SPDX-License-Identifier: MIT
/*
 * getxattr(file, name)
 *
 * gives an extended attribute as a Uint8Array, or null where the file has none of that name.
 */
#include "addon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

napi_value js_getxattr(napi_env env, napi_callback_info info)
{
	enum { VALUE_MAX = 65536 }; /* XATTR_SIZE_MAX in linux/limits.h */
	size_t argc = 2;
	napi_value args[2], buffer, result = NULL;
	char *file = NULL, *name = NULL, *value = NULL;
	void *data = NULL;
	ssize_t size;

	if (napi_get_cb_info(env, info, &argc, args, NULL, NULL) != napi_ok)
		return throw_unexpected(env), NULL;
	if (!(file = get_bytes(env, args[0], "file must be a string or a Uint8Array", "getxattr")) ||
	    !(name = get_bytes(env, args[1], "name must be a string or a Uint8Array", "getxattr")))
		goto out;
	if (!(value = malloc(VALUE_MAX))) {
		throw_errno(env, ENOMEM, "getxattr", NULL);
		goto out;
	}
	size = getxattr(file, name, value, VALUE_MAX);
	if (size < 0 && (errno == ENODATA || errno == EOPNOTSUPP)) {
		if (napi_get_null(env, &result) != napi_ok)
			throw_unexpected(env);
	} else if (size < 0) {
		throw_errno(env, errno, "getxattr", NULL);
	} else if (napi_create_arraybuffer(env, (size_t)size, &data, &buffer) != napi_ok ||
		   napi_create_typedarray(env, napi_uint8_array, (size_t)size, buffer, 0, &result) != napi_ok) {
		throw_unexpected(env);
	} else if (size > 0) {
		memcpy(data, value, (size_t)size);
	}
out:
	free(value);
	free(name);
	free(file);
	return result;
}
