// SPDX-License-Identifier: MIT
/*
 * smc-native.node: system calls that Node 20 does not offer. This file registers them and holds what they share.
 */
#include "addon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- errors ---- */

static const char *errno_name(int number)
{
	/* all that execve(2), flock(2), setns(2), unshare(2), mount(2) and getsockopt(2) list, and what file systems add */
	static const struct {
		int number;
		const char *name;
	} names[] = {
		{ E2BIG, "E2BIG" },	{ EACCES, "EACCES" },	{ EAGAIN, "EAGAIN" },	{ EBADF, "EBADF" },	{ EBUSY, "EBUSY" },
		{ EFAULT, "EFAULT" },	{ EINTR, "EINTR" },	{ EINVAL, "EINVAL" },	{ EIO, "EIO" },
		{ EISDIR, "EISDIR" },	{ ELIBBAD, "ELIBBAD" }, { ELOOP, "ELOOP" },	{ EMFILE, "EMFILE" },
		{ ENAMETOOLONG, "ENAMETOOLONG" },		{ ENFILE, "ENFILE" },	{ ENODEV, "ENODEV" },
		{ ERANGE, "ERANGE" },
		{ ENOENT, "ENOENT" },	{ ENOPROTOOPT, "ENOPROTOOPT" }, { ENOEXEC, "ENOEXEC" }, { ENOMEM, "ENOMEM" },	{ ENOSYS, "ENOSYS" },
		{ ENOTDIR, "ENOTDIR" }, { ENXIO, "ENXIO" },	{ EPERM, "EPERM" },	{ ESTALE, "ESTALE" },
		{ ETXTBSY, "ETXTBSY" }, { ESRCH, "ESRCH" },	{ ENOSPC, "ENOSPC" },	{ EUSERS, "EUSERS" },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].number == number)
			return names[i].name;
	return "UNKNOWN";
}

static void set_string(napi_env env, napi_value object, const char *key, const char *text)
{
	napi_value value;

	if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok)
		napi_set_named_property(env, object, key, value);
}

void throw_errno(napi_env env, int number, const char *syscall_name, const char *explanation)
{
	const char *code = errno_name(number);
	char text[256];
	napi_value message, error, value;

	snprintf(text, sizeof text, "%s: %s, %s", code, explanation ? explanation : strerror(number), syscall_name);
	if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message) != napi_ok ||
	    napi_create_error(env, NULL, message, &error) != napi_ok)
		return;
	set_string(env, error, "code", code);
	set_string(env, error, "syscall", syscall_name);
	if (napi_create_int32(env, number, &value) == napi_ok)
		napi_set_named_property(env, error, "errno", value);
	napi_throw(env, error);
}

bool throw_type(napi_env env, const char *text)
{
	napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", text);
	return false;
}

bool throw_range(napi_env env, const char *text)
{
	napi_throw_range_error(env, "ERR_OUT_OF_RANGE", text);
	return false;
}

bool throw_unexpected(napi_env env)
{
	bool pending = false;

	if (napi_is_exception_pending(env, &pending) != napi_ok || !pending)
		napi_throw_error(env, NULL, "unexpected failure in smc-native");
	return false;
}

/* ---- arguments from JavaScript ---- */

char *get_bytes(napi_env env, napi_value value, const char *type_text, const char *syscall_name)
{
	napi_valuetype type;
	napi_typedarray_type array_type;
	bool is_array = false;
	size_t length = 0;
	void *data = NULL;
	char *bytes;

	if (napi_typeof(env, value, &type) != napi_ok)
		return throw_unexpected(env), NULL;
	if (type == napi_string) {
		if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok)
			return throw_unexpected(env), NULL;
	} else {
		if (napi_is_typedarray(env, value, &is_array) != napi_ok)
			return throw_unexpected(env), NULL;
		if (!is_array || napi_get_typedarray_info(env, value, &array_type, &length, &data, NULL, NULL) != napi_ok ||
		    array_type != napi_uint8_array)
			return throw_type(env, type_text), NULL;
	}

	bytes = malloc(length + 1);
	if (!bytes) {
		throw_errno(env, ENOMEM, syscall_name, NULL);
		return NULL;
	}
	if (type == napi_string) {
		if (napi_get_value_string_utf8(env, value, bytes, length + 1, &length) != napi_ok) {
			free(bytes);
			return throw_unexpected(env), NULL;
		}
	} else if (data) {
		memcpy(bytes, data, length);
	}
	bytes[length] = '\0';
	if (strlen(bytes) != length) {
		free(bytes);
		throw_errno(env, EINVAL, syscall_name, "a string contains a NUL byte");
		return NULL;
	}
	return bytes;
}

/* ---- registration ---- */

NAPI_MODULE_INIT()
{
	static const napi_property_descriptor functions[] = {
		{ .utf8name = "enterNetworkNamespace", .method = js_enter_network_namespace, .attributes = napi_enumerable },
		{ .utf8name = "setNetworkNamespace", .method = js_set_network_namespace, .attributes = napi_enumerable },
		{ .utf8name = "lockFile", .method = js_lock_file, .attributes = napi_enumerable },
		{ .utf8name = "interfaceIndex", .method = js_interface_index, .attributes = napi_enumerable },
		{ .utf8name = "networkNamespaceCookie", .method = js_network_namespace_cookie, .attributes = napi_enumerable },
		{ .utf8name = "openFileSystem", .method = js_open_file_system, .attributes = napi_enumerable },
		{ .utf8name = "execve", .method = js_execve, .attributes = napi_enumerable },
		{ .utf8name = "getxattr", .method = js_getxattr, .attributes = napi_enumerable },
	};

	if (napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions) != napi_ok)
		throw_unexpected(env);
	return exports;
}
