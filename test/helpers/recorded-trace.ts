// SPDX-License-Identifier: MIT
/** What the tracepoints of SMC look like: recorded in a guest with Debian's kernel 6.12, x86-64. */

export const FORMATS = {
  smc_switch_to_fallback: `name: smc_switch_to_fallback
ID: 1556
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:const void * sk;	offset:8;	size:8;	signed:0;
	field:const void * clcsk;	offset:16;	size:8;	signed:0;
	field:u64 net_cookie;	offset:24;	size:8;	signed:0;
	field:int fallback_rsn;	offset:32;	size:4;	signed:1;

print fmt: "sk=%p clcsk=%p net=%llu fallback_rsn=%d", REC->sk, REC->clcsk, REC->net_cookie, REC->fallback_rsn
`,
  smcr_link_down: `name: smcr_link_down
ID: 1553
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:const void * lnk;	offset:8;	size:8;	signed:0;
	field:const void * lgr;	offset:16;	size:8;	signed:0;
	field:u64 net_cookie;	offset:24;	size:8;	signed:0;
	field:int state;	offset:32;	size:4;	signed:1;
	field:__data_loc char[] name;	offset:36;	size:4;	signed:0;
	field:void * location;	offset:40;	size:8;	signed:0;

print fmt: "lnk=%p lgr=%p net=%llu state=%d dev=%s location=%pS", REC->lnk, REC->lgr, REC->net_cookie, REC->state, __get_str(name), REC->location
`,
} as const;

/** Client and server without a device; a server whose client does not know SMC; a device that is removed; a mark. */
export const LINES = `         python3-335     [000] .....    52.626613: smc_switch_to_fallback: sk=000000000db45cca clcsk=00000000a5621189 net=1 fallback_rsn=50528256
     kworker/0:0-9       [000] .....    52.644118: smc_switch_to_fallback: sk=00000000e109b26c clcsk=00000000a5621189 net=1 fallback_rsn=83886080
     kworker/0:0-9       [000] .....    57.941765: smc_switch_to_fallback: sk=000000000db45cca clcsk=00000000a5621189 net=2 fallback_rsn=50397184
            rdma-347     [000] bN.1.    60.794321: smcr_link_down: lnk=000000006e3cfcbb lgr=00000000da471d93 net=1 state=1 dev=rxelo location=smc_smcr_terminate_all+0xb1/0x300 [smc]
              sh-262     [000] .....    96.290069: tracing_mark_write: hello
`;
