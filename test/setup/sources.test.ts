// SPDX-License-Identifier: MIT
// Where Debian's kernels come from, on machines of several kinds: trees made up for it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { debianSources, packagesForSources, systemName } from '../vm/debian-sources.ts';

function tree(t: Test, files: Record<string, string>): string {
  const root = t.testdir({});
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

const ubuntuSources = `Types: deb
URIs: http://mirror.invalid/ubuntu/
Suites: noble noble-updates noble-backports
Components: main restricted universe multiverse
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg
`;

t.test("the machine's own mirror of Debian, with another suite", async (t) => {
  const deb822 = tree(t, {
    'etc/apt/sources.list.d/debian.sources': `# comment
Types: deb
URIs: http://mirror.invalid/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.pgp

Types: deb
URIs: http://mirror.invalid/debian-security
Suites: trixie-security
Components: main
`,
  });
  t.same(await debianSources('bookworm-backports', { root: deb822, mirror: undefined }), [
    'Types: deb\nURIs: http://mirror.invalid/debian\nSuites: bookworm-backports\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.pgp\n',
  ]);
  t.same(await packagesForSources({ root: deb822, mirror: undefined }), [], 'nothing more is needed');

  const lines = tree(t, {
    'etc/apt/sources.list': 'deb [signed-by=/k.gpg arch=amd64] http://mirror.invalid/d bookworm main # x\n',
  });
  t.same(await debianSources('bookworm', { root: lines, mirror: undefined }), [
    'Types: deb\nURIs: http://mirror.invalid/d\nSuites: bookworm\nComponents: main\nSigned-By: /k.gpg\n',
  ]);
});

t.test('Ubuntu, whose apt knows no Debian', async (t) => {
  const files = { 'etc/apt/sources.list.d/ubuntu.sources': ubuntuSources };
  const bare = tree(t, files);
  t.same(await debianSources('bookworm', { root: bare, mirror: undefined }), []);
  t.same(
    await packagesForSources({ root: bare, mirror: undefined }),
    ['debian-archive-keyring', 'python-apt-common'],
    'packages of Ubuntu that have the key and the name of a mirror',
  );

  const template = `ChangelogURI: https://elsewhere.invalid/%s

Suite: trixie-security
BaseURI: http://security.invalid/

Suite: trixie
RepositoryType: deb
BaseURI: https://mirror.invalid/debian/
MatchURI: x
`;
  const stanza = (scheme: string) =>
    `Types: deb\nURIs: ${scheme}://mirror.invalid/debian/\nSuites: bookworm\nComponents: main\nSigned-By: ${KEYRING}\n`;
  for (const name of ['Debian.info', 'debian.info']) {
    const root = tree(t, { ...files, [`usr/share/python-apt/templates/${name}`]: template });
    t.same(
      await debianSources('bookworm', { root, mirror: undefined }),
      [stanza('https'), stanza('http')],
      `${name}; http as well, for systems without certificates`,
    );
  }
});

t.test('a mirror that the user names comes before all others', async (t) => {
  const root = tree(t, { 'etc/apt/sources.list': 'deb http://mirror.invalid/d bookworm main\n' });
  const mirror = 'http://other.invalid/debian';
  t.same(await debianSources('bookworm', { root, mirror }), [
    `Types: deb\nURIs: ${mirror}\nSuites: bookworm\nComponents: main\nSigned-By: ${KEYRING}\n`,
  ]);
  t.same(await packagesForSources({ root, mirror }), ['debian-archive-keyring']);
});

t.test('the name of a system', async (t) => {
  const root = tree(t, { 'etc/os-release': 'PRETTY_NAME="U"\nNAME="Ubuntu"\nVERSION_ID="24.04"\n' });
  t.equal(await systemName(root), 'Ubuntu 24.04');
  t.equal(await systemName(tree(t, {})), 'this system');
});
