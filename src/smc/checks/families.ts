// SPDX-License-Identifier: MIT
import { smcGenNetlink, smcPnetid } from '../../netlink/uapi/smc.ts';
import { counted, defineCheck } from './check.ts';

/** Linux that brought the commands of SMC_GEN_NETLINK, by number. */
const SINCE: readonly (readonly [firstCommand: number, version: string])[] = [
  [16, '5.18'],
  [9, '5.16'],
  [7, '5.14'],
  [1, '5.11'],
];

/** The families of generic netlink, and whether they have the commands that this suite uses. */
export const familyCheck = defineCheck({
  id: 'family',
  about: 'The generic netlink families, and whether they have the commands that this suite uses.',
  facts: {
    version: 'version of the family',
    commands: 'commands of this suite that it has',
    missing_commands: 'those that it does not have',
  },
  run({ host: { families }, pass, warn, unknown }) {
    return [smcGenNetlink, smcPnetid].map((commands) => {
      const wanted = Object.values(commands);
      const name = wanted[0]!.family;
      if (!families.value)
        return unknown(name, 'the families of the kernel cannot be read', {
          reason: families.why,
        });
      const found = families.value.find((family) => family.name === name);
      const has = new Set(found?.operations.map(({ id }) => id));
      const missing = wanted.filter(({ id }) => !has.has(id));
      const facts = {
        version: found?.version ?? null,
        commands: wanted.flatMap(({ id, name }) => (has.has(id) ? name : [])),
        missing_commands: missing.map(({ name }) => name),
      };
      if (!found)
        return families.value.length === 0
          ? unknown(name, 'not available', { reason: 'module smc provides it', facts })
          : warn(name, `the kernel has SMC, but not ${name}`, {
              reason:
                name === smcPnetid.GET.family
                  ? 'there is no PNET table without it'
                  : `${usedBy(name)} need it; it is available since Linux 5.11`,
              fix: 'boot a newer kernel',
              facts,
            });
      if (missing.length === 0)
        return pass(name, `version ${found.version}, ${counted(has.size, 'command')}`, { facts });
      const since = SINCE.find(([first]) => missing.some(({ id }) => id >= first))?.[1];
      return warn(
        name,
        `${counted(missing.length, 'command')} missing: ${missing.map(({ name }) => name).join(', ')}`,
        {
          reason: `${usedBy(name)} cannot do everything on this kernel${since ? `; Linux ${since} has them all` : ''}`,
          fix: 'boot a newer kernel',
          facts,
        },
      );
    });
  },
});

const usedBy = (family: string): string => (family === smcPnetid.GET.family ? 'smc_pnet' : 'smcd and smcr');
