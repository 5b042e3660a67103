// SPDX-License-Identifier: MIT
import { observeNow } from '../observed.ts';
import { readSysctls, type Sysctl } from '../sysctls.ts';
import { defineCheck } from './check.ts';

/** The largest buffer of an SMC-D connection. */
const SMCD_BUFFER_LIMIT = 1_048_576;

/** What is wrong with a value, beyond that it is none of the documented ones; `undefined` for nothing. */
function objection({ name, value = '', range }: Sysctl): string | undefined {
  const number = Number(value);
  if (range && (value === '' || !(number >= range[0] && number <= range[1])))
    return `it must be ${range[0]} to ${range[1]}`;
  switch (name) {
    case 'smcr_testlink_time':
      return number === 0 ? 'idle SMC-R links are not tested, so a broken path is noticed late' : undefined;
    case 'smcr_max_links_per_lgr':
      return number === 1 ? 'with one link a broken RDMA path ends all its connections' : undefined;
    case 'wmem':
    case 'rmem':
      return number > SMCD_BUFFER_LIMIT
        ? `each connection uses that much; SMC-D uses at most ${SMCD_BUFFER_LIMIT}`
        : undefined;
    case 'hs_ctrl':
      return value === '' ? undefined : `the BPF program "${value}" decides which connections may use SMC`;
    default:
      return undefined;
  }
}

/** Requests of the queue pair for each of the setting's: beside each message there may be two writes of data. */
const QUEUE_ENTRIES: Readonly<Record<string, string>> = {
  smcr_max_send_wr: 'three times as many',
  smcr_max_recv_wr: 'as many',
};

/** What to know of a value that may be right. */
function remark({ name, value = '', default: usual }: Sysctl): string | undefined {
  const entries = QUEUE_ENTRIES[name];
  if (!entries || Number(value) <= Number(usual)) return undefined;
  return `the RDMA adapter must support ${entries}: if it does not, every SMC-R connection falls back to TCP (0x09990000, INTERR)`;
}

/** Settings net.smc.* of this network namespace that differ from the defaults. limit_smc_hs has a check of its own. */
export const sysctlCheck = defineCheck({
  id: 'sysctl',
  about: 'Settings `net.smc.*` that differ from the default.',
  facts: { value: 'the setting', default: 'its default' },
  run({ host: { root }, pass, warn, unknown }) {
    const settings = observeNow(() => readSysctls(undefined, root));
    if (!settings.value)
      return [unknown(null, 'the settings net.smc.* cannot be read', { reason: settings.why })];
    const known = settings.value.filter(({ name, value }) => value !== undefined && name !== 'limit_smc_hs');
    const checks = known
      .filter(({ value, default: usual }) => value !== usual)
      .map((setting) => {
        const { name, value = '', default: usual } = setting;
        const reason = objection(setting) ?? null;
        const report = reason ? warn : pass;
        return report(
          `net.smc.${name}`,
          `${value === '' ? 'empty' : value}; the default is ${usual === '' ? 'empty' : usual}`,
          {
            reason: reason ?? remark(setting) ?? null,
            fix:
              reason &&
              (usual === '' ? `sysctl -w 'net.smc.${name}='` : `sysctl -w net.smc.${name}=${usual}`),
            facts: { value, default: usual },
          },
        );
      });
    return checks.length > 0
      ? checks
      : [pass(null, `all ${known.length} settings net.smc.* have their defaults`)];
  },
});
