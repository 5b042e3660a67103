/* SPDX-License-Identifier: MIT */
/* Included before everything else: makes smc-launch ask for a flag that no kernel knows, as on kernels before 5.14. */
#include <linux/seccomp.h>
#undef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND (1UL << 7)
