// SPDX-License-Identifier: MIT
// Statistics attributes of include/uapi/linux/smc.h, Linux 6.12; since 5.14. All counters are u64 and only grow,
// except the two *_USAGE gauges.
import { u8, u16, u32, u64, uint } from '../codec.ts';
import { attrs } from '../schema.ts';

/** SMC_NLA_STATS_PLOAD_*: counts by size class, limits inclusive */
export const statsSizes = attrs('STATS_PLOAD', {
  upTo8K: [1, u64],
  upTo16K: [2, u64],
  upTo32K: [3, u64],
  upTo64K: [4, u64],
  upTo128K: [5, u64],
  upTo256K: [6, u64],
  upTo512K: [7, u64],
  upTo1024K: [8, u64],
  above1024K: [9, u64],
});

/** SMC_NLA_STATS_RMB_*: what happened to buffers */
export const statsBuffers = attrs('STATS_RMB', {
  sizeSmallPeer: [1, u64],
  sizeSmall: [2, u64],
  fullPeer: [3, u64],
  full: [4, u64],
  reuse: [5, u64],
  alloc: [6, u64],
  downgrade: [7, u64],
});

/** SMC_NLA_STATS_T_*: one technology */
export const statsTechnology = attrs('STATS_T', {
  txRmbSize: [1, statsSizes],
  rxRmbSize: [2, statsSizes],
  txPayloadSize: [3, statsSizes],
  rxPayloadSize: [4, statsSizes],
  txRmb: [5, statsBuffers],
  rxRmb: [6, statsBuffers],
  clientV1: [7, u64],
  clientV2: [8, u64],
  serverV1: [9, u64],
  serverV2: [10, u64],
  sendpage: [11, u64], // always 0 since 6.5
  splice: [12, u64],
  cork: [13, u64],
  nodelay: [14, u64],
  urgentData: [15, u64],
  rxBytes: [16, u64],
  txBytes: [17, u64],
  rxCount: [18, u64],
  txCount: [19, u64],
  rxRmbUsage: [20, uint], // a gauge; since 6.12
  txRmbUsage: [21, uint], // a gauge; since 6.12
});

/** SMC_GEN_STATS */
export const stats = attrs('STATS', {
  smcd: [1, statsTechnology],
  smcr: [2, statsTechnology],
  clientHandshakeErrors: [3, u64],
  serverHandshakeErrors: [4, u64],
});

/** SMC_NLA_FBACK_STATS_TYPE */
export const FALLBACK_SERVER = 1;

/** SMC_GEN_FBACK_STATS: one message per side and reason; none if there was no fallback */
export const fallbackStats = attrs('FBACK_STATS', {
  type: [1, u8, 'required'],
  serverTotal: [2, u64], // only in the first message of a dump
  clientTotal: [3, u64], // only in the first message of a dump
  reasonCode: [4, u32, 'required'],
  reasonCount: [5, u16, 'required'], // wraps
});
