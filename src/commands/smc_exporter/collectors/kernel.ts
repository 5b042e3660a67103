// SPDX-License-Identifier: MIT
/** What the kernel is and can do, and what the checks of this host find. */
import { gauge } from '../metric.ts';
import { defineCollector } from './collector.ts';

const moduleLoaded = gauge({
  name: 'smc_module_loaded',
  help: '1 if the kernel has this module at the moment, loaded or built in.',
  labels: ['module'],
});

const system = gauge({
  name: 'smc_system_info',
  help: 'Always 1, while SMC is in the kernel. The labels are the version and release of SMC that the kernel has, and its versions of SMC-D and SMC-R. Empty labels are not known.',
  labels: ['version', 'release', 'smcd_version', 'smcr_version'],
});

export const kernel = defineCollector({
  name: 'kernel',
  about: 'The modules of the kernel, and what its SMC can do.',
  onByDefault: true,
  needs: ['modules', 'system'],
  metrics: [moduleLoaded, system],
  collect({ modules, system: about }, samples) {
    if (modules) {
      const isThere = (state: string): boolean => state === 'loaded' || state === 'built-in';
      samples.add(moduleLoaded, isThere(modules.smc), { module: 'smc' });
      samples.add(moduleLoaded, isThere(modules.smcDiag), { module: 'smc_diag' });
    }
    if (!about) return;
    const { version, release, isSmcrV2 } = about;
    samples.add(system, 1, {
      version: String(version ?? ''),
      release: String(release ?? ''),
      smcd_version: (version ?? 0) >= 2 ? '2' : '1',
      smcr_version: isSmcrV2 ? '2' : '1',
    });
  },
});

const findings = gauge({
  name: 'smc_check_findings',
  help: 'What the checks of smc_chk(8) find, by check and status: pass, warning, fail or unknown.',
  labels: ['check', 'status'],
});

export const checks = defineCollector({
  name: 'checks',
  about: 'The checks of smc_chk(8). They read many files, so they are off by default.',
  onByDefault: false,
  needs: ['checks'],
  metrics: [findings],
  collect({ checks: found }, samples) {
    const counts = new Map<string, { check: string; status: string; count: number }>();
    for (const { id, status } of found ?? []) {
      const key = `${id} ${status}`;
      const entry = counts.get(key) ?? { check: id, status, count: 0 };
      entry.count++;
      counts.set(key, entry);
    }
    for (const { check, status, count } of counts.values()) samples.add(findings, count, { check, status });
  },
});
