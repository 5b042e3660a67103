// SPDX-License-Identifier: MIT
// A policy for handshakes (struct smc_hs_ctrl of the kernel). -D NEVER: takes the SMC option out of every SYN. Otherwise:
// takes it out of every SYN-ACK, also in network namespaces that are made later. The kernel asks for a licence that goes
// with its own. No headers are needed: libbpf finds the members of the struct by their names.
#define SEC(name) __attribute__((section(name), used))

struct smc_hs_ctrl {
	char name[16];
	int flags;
	int (*syn_option)(void *socket);
	int (*synack_option)(const void *socket, void *request);
};

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("struct_ops/refuse")
int refuse(unsigned long long *context)
{
	return 0;
}

SEC(".struct_ops")
struct smc_hs_ctrl policy = {
#ifdef NEVER
	.name = "never",
	.syn_option = (void *)refuse,
#else
	.name = "unanswered",
	.flags = 1, // SMC_HS_CTRL_FLAG_INHERITABLE
	.synack_option = (void *)refuse,
#endif
};
