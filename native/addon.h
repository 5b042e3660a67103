/* SPDX-License-Identifier: MIT */
/*
 * The parts of smc-native.node: one file per call, and addon.c with what they share. Every function that takes an
 * `env` reports failure by leaving a JavaScript exception pending.
 */
#ifndef SMC_ADDON_H
#define SMC_ADDON_H

#define NAPI_VERSION 8
#include <node_api.h>

#include <stdbool.h>

/* An Error shaped like those of node:fs, but with the errno as a positive number. Without `explanation`: strerror's. */
void throw_errno(napi_env env, int number, const char *syscall_name, const char *explanation);
/* These return false, for the callers that do. */
bool throw_type(napi_env env, const char *text);
bool throw_range(napi_env env, const char *text);
/* A failed Node-API call, most of the time since JavaScript (a getter, a proxy) threw: that exception stays. */
bool throw_unexpected(napi_env env);

/*
 * A C string from a string (as UTF-8) or a Uint8Array (as it is, for arguments that are no valid UTF-8). The caller
 * frees it. NULL with an exception: TypeError with `type_text`, or an error of `syscall_name`.
 */
char *get_bytes(napi_env env, napi_value value, const char *type_text, const char *syscall_name);

/* The calls, by the names that JavaScript knows: see README.md for their arguments. */
napi_value js_execve(napi_env env, napi_callback_info info);
napi_value js_enter_network_namespace(napi_env env, napi_callback_info info);
napi_value js_set_network_namespace(napi_env env, napi_callback_info info);
napi_value js_interface_index(napi_env env, napi_callback_info info);
napi_value js_lock_file(napi_env env, napi_callback_info info);
napi_value js_network_namespace_cookie(napi_env env, napi_callback_info info);
napi_value js_open_file_system(napi_env env, napi_callback_info info);
napi_value js_getxattr(napi_env env, napi_callback_info info);

#endif
