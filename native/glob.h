/* SPDX-License-Identifier: MIT */
/*
 * Patterns for command names: `*`, `?`, and sets such as `[a-z0-9]` or `[!x]`. Every other byte stands for itself.
 * For the preload library too, so: no allocation, no library call, and no recursion.
 */
#ifndef SMC_GLOB_H
#define SMC_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* One set at `*at`, which points behind its '['. Moves `*at` behind the ']'. A set without end matches nothing. */
static inline bool glob_set_has(const char **at, const char *end, unsigned char c)
{
	const char *p = *at;
	bool negated = p < end && (*p == '!' || *p == '^');
	bool found = false, first = true;

	if (negated)
		p++;
	for (; p < end && (*p != ']' || first); first = false) {
		unsigned char low = (unsigned char)*p++;
		unsigned char high = low;

		if (end - p >= 2 && *p == '-' && p[1] != ']') {
			high = (unsigned char)p[1];
			p += 2;
		}
		found |= low <= c && c <= high;
	}
	if (p >= end)
		return false;
	*at = p + 1;
	return found != negated;
}

/* Does the pattern, `length` bytes, match the whole name? After a mismatch the last `*` takes one byte more. */
static inline bool glob_matches(const char *pattern, size_t length, const char *name)
{
	const char *p = pattern, *end = pattern + length;
	const char *star = NULL, *star_name = NULL;

	while (*name || p < end) {
		if (p < end && *p == '*') {
			star = ++p;
			star_name = name;
			continue;
		}
		if (p < end && *name) {
			const char *next = p + 1;

			if (*p == '?' || (*p == '[' ? glob_set_has(&next, end, (unsigned char)*name) : *p == *name)) {
				p = next;
				name++;
				continue;
			}
		}
		if (!star || !*star_name)
			return false;
		p = star;
		name = ++star_name;
	}
	return true;
}

#endif
