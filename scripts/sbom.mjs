// SPDX-License-Identifier: MIT
// The SBOM of a release (CycloneDX), made by npm: of what is in the bundles and natives, not of what builds them.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './entry.mjs';
import { machines, provideMusl } from './prebuild.mjs';

const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** @type {{ packages: Record<string, { version: string, integrity: string, license: string }> }} */
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));

/** Names of the npm packages in the bundles, as the build has found them, and that of the headers in netlink's addon. */
function bundled() {
  const notices = readFileSync(join(root, 'dist/THIRD-PARTY-NOTICES'), 'utf8').split('\n----\n\n');
  const found = notices.map((notice) => notice.slice(0, notice.indexOf(' ')));
  return [...new Set([...found, 'node-addon-api'])].sort();
}

/**
 * What npm says about a package that depends on these and no others.
 *
 * @param {string[]} names
 */
function askNpm(names) {
  const scratch = mkdtempSync(join(tmpdir(), 'smc-tools-sbom-'));
  try {
    const locked = names.map((one) => {
      const entry = packages[`node_modules/${one}`];
      if (!entry) throw new Error(`package-lock.json does not have ${one}, which is in the bundles`);
      return { one, version: entry.version, integrity: entry.integrity, license: entry.license };
    });
    const ours = {
      name,
      version,
      license,
      dependencies: Object.fromEntries(locked.map(({ one, version }) => [one, version])),
    };
    const lock = {
      name,
      version,
      lockfileVersion: 3,
      packages: {
        '': ours,
        ...Object.fromEntries(locked.map(({ one, ...entry }) => [`node_modules/${one}`, entry])),
      },
    };
    const cwd = join(scratch, name); // npm names the component by its directory
    mkdirSync(cwd);
    for (const [file, contents] of Object.entries({ 'package.json': ours, 'package-lock.json': lock }))
      writeFileSync(join(cwd, file), JSON.stringify(contents));
    return JSON.parse(
      execFileSync('npm', ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'], {
        cwd,
        encoding: 'utf8',
      }),
    );
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/**
 * @param {{ name: string, version: string, architecture: string, license: string, where: string }} library as Debian has it
 */
const component = ({ name, version, architecture, license, where }) => {
  const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`;
  return {
    'bom-ref': purl,
    type: 'library',
    name,
    version,
    scope: 'required',
    description: where,
    purl,
    licenses: [{ license: { id: license } }],
  };
};

/** glibc: the programs of RPMs contain a copy, see `oldGlibcFlags`. */
function glibc() {
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: the format is dpkg-query's
  const format = '${Package} ${Version} ${Architecture}\\n';
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: the format is dpkg-query's
  const names = ['libc6-dev', 'libc6-dev-arm64-cross', 'libc6-dev-s390x-cross'];
  const lines = execFileSync('dpkg-query', ['-W', '-f', format, ...names], { encoding: 'utf8' });
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [name = '', version = '', architecture = ''] = line.split(' ');
      const where = 'linked statically into smc-launch and smc-start of the RPMs';
      return component({ name, version, architecture, license: 'LGPL-2.1-or-later', where });
    });
}

/** musl: the programs of npm's package contain a copy, see `provideMusl`. */
async function musl() {
  const where = "linked statically into smc-launch and smc-start of npm's package";
  const found = [];
  for (const arch of Object.keys(machines)) {
    const { version } = await provideMusl(arch);
    const architecture = arch === 'x64' ? 'amd64' : arch;
    found.push(component({ name: 'musl-dev', version, architecture, license: 'MIT', where }));
  }
  return found;
}

/**
 * @param {number} epoch seconds since 1970
 * @returns {Promise<string>} JSON; the same for the same contents
 */
export async function sbom(epoch) {
  const { serialNumber: _, ...document } = askNpm(bundled());
  document.metadata.timestamp = new Date(epoch * 1000).toISOString();
  // compiled and bundled: npm takes it for a plan
  document.metadata.lifecycles = [{ phase: 'build' }];
  const natives = [...(await musl()), ...glibc()];
  document.components.push(...natives);
  const [own] = document.dependencies;
  own.dependsOn.push(...natives.map((native) => native['bom-ref']));
  const digest = createHash('sha256').update(JSON.stringify(document)).digest('hex');
  const [, ...parts] = /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/.exec(digest) ?? [];
  // a UUID of version 8, whose bits are what the maker wants
  const uuid = `${parts[0]}-${parts[1]}-8${parts[2]}-8${parts[3]}-${parts[4]}`;
  return `${JSON.stringify({ ...document, serialNumber: `urn:uuid:${uuid}` }, null, 2)}\n`;
}
