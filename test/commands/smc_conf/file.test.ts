// SPDX-License-Identifier: MIT
// The file smc.yaml: what it can say, and what is said about each mistake in it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { smcConf } from '../../../src/commands/smc_conf/command.ts';
import { documentOf } from '../../../src/commands/smc_conf/document.ts';
import { parseConfiguration } from '../../../src/commands/smc_conf/file.ts';
import { FileError } from '../../../src/commands/smc_conf/file-error.ts';
import { random } from '../../helpers/random.ts';
import { runCommand } from '../../helpers/run-command.ts';
import { validate } from '../../helpers/schemas.ts';

const V = 'version: 1\n';

/** What is said about a text, as a command prints it; nothing if all is right. */
function mistakes(text: string): string[] {
  try {
    parseConfiguration(text, 'f');
    return [];
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return error.problems.map(
      ({ line, column, message, hint }) => `${line}:${column}: ${message}${hint ? `; ${hint}` : ''}`,
    );
  }
}

const BAD: readonly (readonly [name: string, text: string, mistakes: readonly string[]])[] = [
  [
    'nothing at all',
    '',
    ['1:1: the file must be keys with values, not nothing; a file has at least the key version'],
  ],
  [
    'only a comment',
    '# later\n',
    ['1:1: the file must be keys with values, not nothing; a file has at least the key version'],
  ],
  [
    'a list',
    '- pnet\n',
    ['1:1: the file must be keys with values, not a list; a file has at least the key version'],
  ],
  [
    'a text',
    'pnet\n',
    ["1:1: the file must be keys with values, not the text 'pnet'; a file has at least the key version"],
  ],
  ['no version', 'ueids: [A]\n', ['1:1: there is no version; write version: 1']],
  ['a version in quotes', "version: '1'\n", ['1:10: version must be the number 1; write version: 1']],
  [
    'a later version',
    'version: 2\nnews: true\n',
    ['1:10: version 2 is not known here; this smc_conf reads version 1; a later one may read it'],
  ],
  ['an older version', 'version: 0\n', ['1:10: version must be the number 1; write version: 1']],
  ['no number as version', 'version:\n', ['1:9: version must be the number 1; write version: 1']],
  [
    'an unknown key',
    `${V}color: blue\n`,
    [
      '2:1: there is no key color; possible here: $schema, version, pnet, handshake_limit, sysctls, ueids, seid, services, namespaces',
    ],
  ],
  [
    'a misspelt key',
    `${V}handshake_limt: true\n`,
    [
      '2:1: there is no key handshake_limt (did you mean handshake_limit?); possible here: $schema, version, pnet, handshake_limit, sysctls, ueids, seid, services, namespaces',
    ],
  ],
  [
    'a key in capitals',
    `${V}PNET: {}\n`,
    [
      '2:1: there is no key PNET (did you mean pnet?); possible here: $schema, version, pnet, handshake_limit, sysctls, ueids, seid, services, namespaces',
    ],
  ],
  [
    'a merge key',
    `${V}<<: {seid: true}\n`,
    [
      '2:1: there is no key <<; possible here: $schema, version, pnet, handshake_limit, sysctls, ueids, seid, services, namespaces',
    ],
  ],
  ['a key twice', `${V}seid: true\nseid: false\n`, ['3:1: seid is there twice; the first is in line 2']],
  ['a version twice', `${V}version: 1\n`, ['2:1: version is there twice; the first is in line 1']],
  ['a list as key', `${V}? [a, b]\n: c\n`, ['2:3: a key must be a word, not a list']],
  [
    'no PNET table',
    `${V}pnet:\n`,
    ['2:1: pnet must be keys with values, not nothing; write {} if there is nothing in it, or leave it out'],
  ],
  ['a PNET table that is a list', `${V}pnet: [NET1]\n`, ['2:7: pnet must be keys with values, not a list']],
  [
    'a PNET ID with a hyphen',
    `${V}pnet:\n  NET-1: {interfaces: [eth0]}\n`,
    [
      '3:3: pnet: PNET ID "NET-1" must not contain the character "-"; a PNET ID has 1 to 16 letters and digits',
    ],
  ],
  [
    'a PNET ID that is too long',
    `${V}pnet: {ABCDEFGHIJKLMNOPQ: {}}\n`,
    ['2:8: pnet: PNET ID "ABCDEFGHIJKLMNOPQ" is too long; a PNET ID has 1 to 16 letters and digits'],
  ],
  [
    'an empty PNET ID',
    `${V}pnet: {'': {}}\n`,
    ['2:8: pnet: the PNET ID is empty; a PNET ID has 1 to 16 letters and digits'],
  ],
  [
    'a PNET ID with an umlaut',
    `${V}pnet: {NÄT: {}}\n`,
    ['2:8: pnet: PNET ID "NÄT" must not contain the character "Ä"; a PNET ID has 1 to 16 letters and digits'],
  ],
  [
    'a PNET ID twice, in different letters',
    `${V}pnet:\n  net1: {interfaces: [eth0]}\n  NET1: {interfaces: [eth1]}\n`,
    ['4:3: PNET ID NET1 is there twice; the first is in line 3'],
  ],
  [
    'nothing for a PNET ID',
    `${V}pnet:\n  NET1:\n`,
    [
      '3:3: pnet.NET1 must be keys with values, not nothing; write {} if there is nothing in it, or leave it out',
    ],
  ],
  [
    'a PNET ID with a list',
    `${V}pnet: {NET1: [eth0]}\n`,
    ['2:14: pnet.NET1 must be keys with values, not a list'],
  ],
  [
    'a misspelt key of a network',
    `${V}pnet: {NET1: {interface: [eth0]}}\n`,
    [
      '2:15: there is no key pnet.NET1.interface (did you mean interfaces?); possible here: interfaces, rdma_devices, ism_devices',
    ],
  ],
  [
    'an interface without a list',
    `${V}pnet: {NET1: {interfaces: eth0}}\n`,
    ["2:27: pnet.NET1.interfaces must be a list, not the text 'eth0'; write [eth0]"],
  ],
  [
    'no interfaces',
    `${V}pnet:\n  NET1:\n    interfaces:\n`,
    [
      '4:5: pnet.NET1.interfaces must be a list, not nothing; write [] if there is nothing in it, or leave it out',
    ],
  ],
  [
    'an interface that is a number',
    `${V}pnet: {NET1: {interfaces: [0]}}\n`,
    ["2:28: pnet.NET1.interfaces[0] must be a text, not the number 0; write '0' in quotes"],
  ],
  [
    'an interface that is true',
    `${V}pnet: {NET1: {interfaces: [true]}}\n`,
    ["2:28: pnet.NET1.interfaces[0] must be a text, not true; write 'true' in quotes"],
  ],
  [
    'an interface that is nothing',
    `${V}pnet: {NET1: {interfaces: [~, eth0]}}\n`,
    ['2:28: pnet.NET1.interfaces[0] must be a text, not nothing'],
  ],
  [
    'an empty interface',
    `${V}pnet: {NET1: {interfaces: [""]}}\n`,
    ['2:28: pnet.NET1.interfaces[0]: the interface name is empty'],
  ],
  [
    'an interface with a slash',
    `${V}pnet: {NET1: {interfaces: [eth/0]}}\n`,
    [
      '2:28: pnet.NET1.interfaces[0]: interface name "eth/0" must not contain blanks, slashes or control characters',
    ],
  ],
  [
    'an interface with a blank',
    `${V}pnet: {NET1: {interfaces: [eth 0]}}\n`,
    [
      '2:28: pnet.NET1.interfaces[0]: interface name "eth 0" must not contain blanks, slashes or control characters',
    ],
  ],
  [
    'an interface with a long name',
    `${V}pnet: {NET1: {interfaces: [abcdefghijklmnop]}}\n`,
    [
      '2:28: pnet.NET1.interfaces[0]: interface name "abcdefghijklmnop" is too long; interface names have at most 15 bytes',
    ],
  ],
  [
    'an interface twice',
    `${V}pnet:\n  NET1:\n    interfaces: [eth0]\n  NET2:\n    interfaces: [eth1, eth0]\n`,
    ['6:24: interface eth0 is there twice; the first is in line 4'],
  ],
  [
    'a device twice',
    `${V}pnet: {A: {rdma_devices: [x]}, B: {rdma_devices: [{name: x, port: 1}]}}\n`,
    ['2:51: device x port 1 is there twice; the first is in line 2'],
  ],
  [
    'an RDMA device that is an ISM device',
    `${V}pnet: {A: {rdma_devices: [x], ism_devices: [x]}}\n`,
    ['2:45: device x port 1 is there twice; the first is in line 2'],
  ],
  [
    'a port out of range',
    `${V}pnet: {A: {rdma_devices: [{name: x, port: 3}]}}\n`,
    ['2:43: pnet.A.rdma_devices[0].port must be 1 or 2, not 3'],
  ],
  [
    'a port in quotes',
    `${V}pnet: {A: {rdma_devices: [{name: x, port: '1'}]}}\n`,
    ["2:43: pnet.A.rdma_devices[0].port must be 1 or 2, not the text '1'"],
  ],
  [
    'half a port',
    `${V}pnet: {A: {rdma_devices: [{name: x, port: 1.5}]}}\n`,
    ['2:43: pnet.A.rdma_devices[0].port must be 1 or 2, not 1.5'],
  ],
  [
    'a device without a name',
    `${V}pnet: {A: {rdma_devices: [{port: 1}]}}\n`,
    ['2:27: pnet.A.rdma_devices[0]: a device needs a name; write {name: NAME, port: 1 or 2}'],
  ],
  [
    'a device with more',
    `${V}pnet: {A: {rdma_devices: [{name: x, gid: 1}]}}\n`,
    ['2:37: there is no key pnet.A.rdma_devices[0].gid; possible here: name, port'],
  ],
  [
    'a device in C',
    `${V}pnet: {A: {rdma_devices: [x: 2]}}\n`,
    [
      '2:27: there is no key pnet.A.rdma_devices[0].x; possible here: name, port',
      '2:27: pnet.A.rdma_devices[0]: a device needs a name; write {name: NAME, port: 1 or 2}',
    ],
  ],
  [
    'a port of an ISM device',
    `${V}pnet: {A: {ism_devices: [{name: x, port: 1}]}}\n`,
    ['2:26: pnet.A.ism_devices[0] must be a text, not keys with values'],
  ],
  [
    'a UEID with two periods',
    `${V}ueids: [A..B]\n`,
    [
      "2:9: ueids[0]: UEID \"A..B\" has two periods in a row; a UEID has 1 to 32 characters of A-Z, 0-9, '.' and '-' and begins with a letter or digit",
    ],
  ],
  [
    'a UEID that begins with a hyphen',
    `${V}ueids: [-A]\n`,
    [
      "2:9: ueids[0]: UEID \"-A\" does not begin with a letter or digit; a UEID has 1 to 32 characters of A-Z, 0-9, '.' and '-' and begins with a letter or digit",
    ],
  ],
  [
    'a UEID with an underscore',
    `${V}ueids: [A_B]\n`,
    [
      '2:9: ueids[0]: UEID "A_B" must not contain the character "_"; a UEID has 1 to 32 characters of A-Z, 0-9, \'.\' and \'-\' and begins with a letter or digit',
    ],
  ],
  [
    'a long UEID',
    `${V}ueids: [A23456789.123456789.123456789.123]\n`,
    [
      "2:9: ueids[0]: UEID \"A23456789.123456789.123456789.123\" is longer than 32 bytes; a UEID has 1 to 32 characters of A-Z, 0-9, '.' and '-' and begins with a letter or digit",
    ],
  ],
  [
    'a UEID that is a number',
    `${V}ueids: [100]\n`,
    ["2:9: ueids[0] must be a text, not the number 100; write '100' in quotes"],
  ],
  [
    'a UEID without a list',
    `${V}ueids: MY-PLEX\n`,
    ["2:8: ueids must be a list, not the text 'MY-PLEX'; write [MY-PLEX]"],
  ],
  [
    'a UEID twice, in different letters',
    `${V}ueids: [plex, A, PLEX]\n`,
    ['2:18: UEID PLEX is there twice; the first is in line 2'],
  ],
  ['UEIDs with their values', `${V}ueids: {A: true}\n`, ['2:8: ueids must be a list, not keys with values']],
  [
    'an SEID that is on',
    `${V}seid: on\n`,
    ["2:7: seid must be true or false, not the text 'on'; write true"],
  ],
  ['an SEID that is 1', `${V}seid: 1\n`, ['2:7: seid must be true or false, not the number 1']],
  [
    'an SEID in quotes',
    `${V}seid: "true"\n`,
    ["2:7: seid must be true or false, not the text 'true'; write true"],
  ],
  [
    'a limit that is No',
    `${V}handshake_limit: No\n`,
    ["2:18: handshake_limit must be true or false, not the text 'No'; write false"],
  ],
  [
    'a limit that is nothing',
    `${V}handshake_limit:\n`,
    ['2:1: handshake_limit must be true or false, not nothing'],
  ],
  [
    'a sysctl out of range',
    `${V}sysctls: {wmem: 100}\n`,
    ['2:17: sysctls.wmem: 100 is out of range; wmem must be 16384 to 1073741823 bytes'],
  ],
  [
    'a sysctl that is no number',
    `${V}sysctls: {wmem: much}\n`,
    [
      "2:17: sysctls.wmem: 'much' is not a valid size: it must be a number of bytes, or a number with k or m; wmem must be 16384 to 1073741823 bytes",
    ],
  ],
  [
    'a sysctl with a fraction',
    `${V}sysctls: {smcr_testlink_time: 1.5}\n`,
    [
      "2:31: sysctls.smcr_testlink_time: '1.5' is not a whole number; smcr_testlink_time must be 0 to 2147483647 / HZ seconds, 8589934 where HZ is 250",
    ],
  ],
  [
    'a negative sysctl',
    `${V}sysctls: {smcr_testlink_time: -1}\n`,
    [
      '2:31: sysctls.smcr_testlink_time: -1 is out of range; smcr_testlink_time must be 0 to 2147483647 / HZ seconds, 8589934 where HZ is 250',
    ],
  ],
  [
    'a sysctl that is true',
    `${V}sysctls: {smcr_buf_type: true}\n`,
    ['2:26: sysctls.smcr_buf_type must be a number or a text, not true'],
  ],
  [
    'a sysctl that is nothing',
    `${V}sysctls: {wmem: }\n`,
    ['2:11: sysctls.wmem must be a number or a text, not nothing'],
  ],
  [
    'a sysctl that is a list',
    `${V}sysctls: {rmem: [1, 2]}\n`,
    ['2:17: sysctls.rmem must be a number or a text, not a list'],
  ],
  [
    'a sysctl with its whole name',
    `${V}sysctls: {net.smc.wmem: 65536}\n`,
    ['2:11: sysctls.net.smc.wmem is not possible here; write wmem'],
  ],
  [
    'a sysctl that has its own key',
    `${V}sysctls: {limit_smc_hs: 1}\n`,
    ['2:11: sysctls.limit_smc_hs is not possible here; it is the same as handshake_limit: true or false'],
  ],
  [
    'an unknown sysctl',
    `${V}sysctls: {tcp_rmem: 65536}\n`,
    [
      '2:11: there is no key sysctls.tcp_rmem; possible here: autocorking_size, wmem, rmem, smcr_buf_type, smcr_testlink_time, smcr_max_links_per_lgr, smcr_max_conns_per_lgr, smcr_max_send_wr, smcr_max_recv_wr, hs_ctrl',
    ],
  ],
  [
    'a misspelt sysctl',
    `${V}sysctls: {smcr_buff_type: 1}\n`,
    [
      '2:11: there is no key sysctls.smcr_buff_type (did you mean smcr_buf_type?); possible here: autocorking_size, wmem, rmem, smcr_buf_type, smcr_testlink_time, smcr_max_links_per_lgr, smcr_max_conns_per_lgr, smcr_max_send_wr, smcr_max_recv_wr, hs_ctrl',
    ],
  ],
  [
    'a BPF program that is nothing',
    `${V}sysctls: {hs_ctrl: ~}\n`,
    ['2:20: sysctls.hs_ctrl must be a number or a text, not nothing'],
  ],
  [
    'a socket unit',
    `${V}services: {a.socket: {}}\n`,
    ['2:12: services: a.socket is a socket, which starts no program: name the service'],
  ],
  ['a unit that is none', `${V}services: {a b: {}}\n`, ["2:12: services: 'a b' is not the name of a unit"]],
  [
    'a service without its options',
    `${V}services:\n  nginx:\n`,
    [
      '3:3: services.nginx must be keys with values, not nothing; write {} if there is nothing in it, or leave it out',
    ],
  ],
  [
    'a service twice',
    `${V}services: {nginx: {}, nginx.service: {}}\n`,
    ['2:23: service nginx.service is there twice; the first is in line 2'],
  ],
  ['services in a list', `${V}services: [nginx]\n`, ['2:11: services must be keys with values, not a list']],
  [
    'an unknown option',
    `${V}services: {nginx: {stric: true}}\n`,
    [
      '2:20: there is no key services.nginx.stric (did you mean strict?); possible here: debug, rcvbuf, sndbuf, via, socket, strict, only, except',
    ],
  ],
  [
    'an unknown way',
    `${V}services: {nginx: {via: ptrace}}\n`,
    ["2:25: services.nginx.via must be auto, preload or seccomp, not the text 'ptrace'"],
  ],
  [
    'an unknown kind of socket',
    `${V}services: {nginx: {socket: smc}}\n`,
    ["2:28: services.nginx.socket must be af_smc, inet or auto, not the text 'smc'"],
  ],
  [
    'a buffer without size',
    `${V}services: {nginx: {rcvbuf: 0}}\n`,
    [
      "2:28: services.nginx.rcvbuf: '0' is not the size of a buffer; it must be 1 to 2147483647 bytes, or a number with k or m",
    ],
  ],
  [
    'a pattern with a directory',
    `${V}services: {nginx: {only: [/bin/a]}}\n`,
    [
      "2:27: services.nginx.only[0]: '/bin/a' can match no command; a pattern is for the name of a command without its directory, and has no colon",
    ],
  ],
  [
    'a pattern with a colon',
    `${V}services: {nginx: {except: ["a:b"]}}\n`,
    [
      "2:29: services.nginx.except[0]: 'a:b' can match no command; a pattern is for the name of a command without its directory, and has no colon",
    ],
  ],
  [
    'a pattern without a list',
    `${V}services: {nginx: {only: a}}\n`,
    ["2:26: services.nginx.only must be a list, not the text 'a'; write [a]"],
  ],
  [
    'a namespace with a slash',
    `${V}namespaces: {a/b: {}}\n`,
    [
      '2:14: namespaces: "a/b" cannot be the name of a network namespace; it is a file name, as ip netns lists it',
    ],
  ],
  [
    'a namespace without a name',
    `${V}namespaces: {'': {}}\n`,
    [
      '2:14: namespaces: "" cannot be the name of a network namespace; it is a file name, as ip netns lists it',
    ],
  ],
  [
    'nothing in a namespace',
    `${V}namespaces: {red: }\n`,
    [
      '2:14: namespaces.red must be keys with values, not nothing; write {} if there is nothing in it, or leave it out',
    ],
  ],
  [
    'UEIDs of a namespace',
    `${V}namespaces: {red: {ueids: [A]}}\n`,
    [
      '2:20: namespaces.red.ueids is not possible here; it is one for the whole host: put it at the top of the file',
    ],
  ],
  [
    'an SEID of a namespace',
    `${V}namespaces: {red: {seid: true}}\n`,
    [
      '2:20: namespaces.red.seid is not possible here; it is one for the whole host: put it at the top of the file',
    ],
  ],
  [
    'a service of a namespace',
    `${V}namespaces: {red: {services: {}}}\n`,
    [
      '2:20: namespaces.red.services is not possible here; the unit of a service names its network namespace; put it at the top of the file',
    ],
  ],
  [
    'a namespace in a namespace',
    `${V}namespaces: {red: {namespaces: {blue: {}}}}\n`,
    [
      '2:20: namespaces.red.namespaces is not possible here; namespaces are not nested here: put it at the top of the file',
    ],
  ],
  [
    'an RDMA device in a namespace',
    `${V}namespaces: {red: {pnet: {A: {rdma_devices: [x]}}}}\n`,
    [
      '2:31: namespaces.red.pnet.A.rdma_devices is not possible here; RDMA and ISM devices belong in the table of the initial network namespace',
    ],
  ],
  [
    'a sysctl of a namespace',
    `${V}namespaces: {red: {sysctls: {wmem: 1}}}\n`,
    ['2:36: namespaces.red.sysctls.wmem: 1 is out of range; wmem must be 16384 to 1073741823 bytes'],
  ],
  [
    'an interface twice in a namespace',
    `${V}namespaces: {red: {pnet: {A: {interfaces: [e]}, B: {interfaces: [e]}}}}\n`,
    ['2:66: interface e is there twice; the first is in line 2'],
  ],
  ['a tab', `${V}pnet:\n\tNET1: {}\n`, ['3:1: a tab is used to indent; YAML takes blanks only']],
  ['an open bracket', `${V}ueids: [A, B\n`, ['3:1: the closing ] is missing']],
  ['an open quote', `${V}ueids: ["A]\n`, ['3:1: the closing " is missing']],
  [
    'crooked columns',
    `${V}pnet:\n  NET1: {}\n NET2: {}\n`,
    ['4:1: this begins in another column than what is above'],
  ],
  ['no colon', `${V}pnet\n`, ['2:1: a key without its colon']],
  [
    'two colons',
    `${V}pnet: NET1: {}\n`,
    [
      '2:7: a key and its value cannot follow another key in the same line; begin a new line, or put a text with a colon in quotes',
    ],
  ],
  ['a list beside keys', `${V}- A\n`, ['2:1: a key without its colon; write "key: value"']],
  [
    'a reserved character',
    `${V}ueids: [@A]\n`,
    ['2:9: plain value cannot start with reserved character @; put the text in quotes'],
  ],
  [
    'an unknown escape',
    `${V}ueids: ["\\q"]\n`,
    [
      '2:10: invalid escape sequence \\q; in double quotes a backslash begins an escape; single quotes have none',
    ],
  ],
  [
    'an alias',
    `${V}ueids: &ids [A]\nservices: *ids\n`,
    ['3:11: services: aliases (*ids) are not supported; write it out'],
  ],
  [
    'an alias in a list',
    `${V}ueids: [&a A, *a]\n`,
    ['2:15: ueids[1]: aliases (*a) are not supported; write it out'],
  ],
  [
    'an alias as key',
    `${V}pnet: {&a NET1 : {}, *a : {}}\n`,
    ['2:22: pnet: a key must be a word, not an alias'],
  ],
  [
    'an alias of nothing',
    `${V}seid: *nothing\n`,
    ['2:7: seid: aliases (*nothing) are not supported; write it out'],
  ],
  ['a tag', `${V}seid: !yes true\n`, ['2:7: unresolved tag: !yes; tags such as !name are not needed here']],
  ['binary', `${V}ueids: [!!binary QUJD]\n`, ['2:18: ueids[0] must be a text, not QUJD']],
  [
    'two documents',
    `${V}---\nversion: 1\n`,
    ['2:1: a second document begins here; a file has one, without ---'],
  ],
  [
    'a document after the end',
    `${V}...\nseid: true\n`,
    ['3:1: a second document begins here; a file has one, without ---'],
  ],
  [
    'YAML 1.1',
    '%YAML 1.1\n---\nversion: 1\nseid: on\n',
    ['1:1: %YAML 1.1 is not supported; the file is YAML 1.2'],
  ],
  ['an unknown directive', '%FOO bar\n---\nversion: 1\n', ['1:1: unknown directive %FOO']],
  ['JSON that is cut off', '{"version": 1, "ueids": ["A"', ['1:29: the closing ] is missing']],
  [
    'too many levels',
    `${V}pnet: ${'['.repeat(40)}${']'.repeat(40)}\n`,
    ['2:30: this is nested more than 24 levels deep'],
  ],
  [
    'several mistakes, in their order',
    `${V}seid: maybe\nueids: [5, a..b]\npnet:\n  NET-1: {interfaces: eth0}\nsysctls: {wmem: 1}\n`,
    [
      "2:7: seid must be true or false, not the text 'maybe'",
      "3:9: ueids[0] must be a text, not the number 5; write '5' in quotes",
      "3:12: ueids[1]: UEID \"a..b\" has two periods in a row; a UEID has 1 to 32 characters of A-Z, 0-9, '.' and '-' and begins with a letter or digit",
      '5:3: pnet: PNET ID "NET-1" must not contain the character "-"; a PNET ID has 1 to 16 letters and digits',
      "5:23: pnet.NET-1.interfaces must be a list, not the text 'eth0'; write [eth0]",
      '6:17: sysctls.wmem: 1 is out of range; wmem must be 16384 to 1073741823 bytes',
    ],
  ],
];

t.test('mistakes, with their places and what is allowed', async (t) => {
  t.ok(BAD.length >= 60, `${BAD.length} files`);
  for (const [name, text, expected] of BAD) {
    t.strictSame(mistakes(text), expected, name);
    t.ok(expected.length > 0, name);
  }
});

const GOOD = `# yaml-language-server: $schema=smc.yaml.schema.json
$schema: x
version: 1
pnet:
  net1:
    interfaces: [eth0, 'no']
    rdma_devices:
      - mlx5_0
      - {name: mlx5_0, port: 2}
    ism_devices: ['0000:01:00.0']
  100: {interfaces: ['0']}
  1e3: {}
ueids: [my-plex, B]
seid: true
handshake_limit: false
sysctls: {wmem: 256k, rmem: 0x10000, smcr_buf_type: default, hs_ctrl: ''}
services:
  nginx: {strict: true, rcvbuf: 512k, sndbuf: 8192, only: ['a*'], via: preload, socket: inet}
namespaces:
  red: {pnet: {NET1: {interfaces: [eth0]}}, sysctls: {wmem: 16384}, handshake_limit: true}
  7: {}
`;

t.test('what a file can say', async (t) => {
  const { configuration } = parseConfiguration(GOOD, 'f');
  t.strictSame(documentOf(configuration), {
    version: 1,
    pnet: {
      '100': { interfaces: ['0'] },
      NET1: {
        interfaces: ['eth0', 'no'],
        rdma_devices: ['mlx5_0', { name: 'mlx5_0', port: 2 }],
        ism_devices: ['0000:01:00.0'],
      },
    },
    ueids: ['B', 'MY-PLEX'],
    seid: true,
    handshake_limit: false,
    sysctls: { wmem: 262_144, rmem: 65_536, smcr_buf_type: 0, hs_ctrl: '' },
    services: {
      'nginx.service': {
        strict: true,
        rcvbuf: 524_288,
        sndbuf: 8192,
        via: 'preload',
        socket: 'inet',
        only: ['a*'],
      },
    },
    namespaces: {
      '7': {},
      red: {
        pnet: { NET1: { interfaces: ['eth0'] } },
        handshake_limit: true,
        sysctls: { wmem: 16_384 },
      },
    },
  });
  t.strictSame(validate('smc_conf export', JSON.stringify(documentOf(configuration))), []);
});

t.test('what is missing is not mentioned, what is empty is', async (t) => {
  const { configuration } = parseConfiguration(V, 'f');
  t.strictSame(
    Object.values(configuration).filter((value) => value !== undefined),
    [],
  );
  const empty = parseConfiguration(`${V}pnet: {}\nueids: []\nsysctls: {}\nservices: {}\n`, 'f');
  const { pnet, ueids, sysctls, services } = empty.configuration;
  t.strictSame([pnet, ueids, sysctls, services], [new Map(), [], new Map(), new Map()]);
});

t.test('spellings of the same', async (t) => {
  const text = '{\n\t"version": 1,\n\t"ueids": ["A"]\n}\n';
  t.strictSame(parseConfiguration(text, 'f').configuration.ueids, ['A'], 'JSON with tabs');
  for (const same of [
    `\ufeff${V}ueids: [A]\n`,
    'version: 1\r\nueids: [A]\r\n',
    `%YAML 1.2\n---\n${V}ueids: [A]\n...\n`,
    `${V}ueids:\n- A\n`,
    `${V}"ueids": [ !!str A , ]\n`,
    'ueids: [a]\nversion: 0x1',
  ])
    t.strictSame(parseConfiguration(same, 'f').configuration.ueids, ['A'], JSON.stringify(same));
});

t.test('files that are no text', async (t) => {
  const directory = t.testdir({});
  const check = async (content: string | Uint8Array): Promise<string> => {
    const file = join(directory, 'f');
    writeFileSync(file, content);
    const { stdout, status } = await runCommand(smcConf, ['check', '-f', file]);
    t.equal(status, 1);
    return stdout.replaceAll(directory, '');
  };
  const utf8 = 'the file is a text in UTF-8';
  for (const [content, expected] of [
    ['version: 1\nueids: [\0]\n', `2:9: error: there is a control character (0x00); ${utf8}`],
    ['\x7fELF', `1:1: error: there is a control character (0x7f); ${utf8}`],
    [Buffer.from('version: 1\n# \xe4\n', 'latin1'), `2:3: error: this is not UTF-8; ${utf8}`],
    [Buffer.from('# \xef\xbf\xbd\xe2\x82', 'latin1'), `1:6: error: this is not UTF-8; ${utf8}`],
    [Buffer.from('\ufeffversion: 1\n', 'utf16le'), `1:1: error: this is not UTF-8; ${utf8}`],
    [`# ${'x'.repeat(300_000)}`, '1:1: error: the file is too large; it can have 256 KiB'],
  ] as const)
    t.equal(await check(content), `/f:${expected}\n`);
  const named = async (file: string): Promise<string> =>
    (await runCommand(smcConf, ['check', '-f', file])).stderr;
  t.equal(
    await named(join(directory, 'none')),
    `smc_conf: there is no file ${directory}/none; smc_conf export prints one with the state of this host\n`,
  );
  mkdirSync(join(directory, 'folder'));
  t.equal(await named(join(directory, 'folder')), `smc_conf: ${directory}/folder: is a directory\n`);
  t.match((await runCommand(smcConf, ['check', '-f', '/dev/zero'])).stdout, 'error: the file is too large');
  t.match(await named(''), "--file '': must not be empty");
});

t.test('whatever is in a file, it is a mistake with a place, or none', async (t) => {
  const integer = random(1404);
  const pick = <T>(list: readonly T[]): T => list[integer(list.length)]!;
  const PIECES = [
    '[',
    ']',
    '{',
    '}',
    ':',
    ': ',
    '- ',
    '\n',
    '  ',
    ',',
    '"',
    "'",
    '&a ',
    '*a',
    '!t ',
    '#',
    '|',
    '>',
    '?',
    '%',
    '@',
    '~',
    '\t',
    '---\n',
    '<<',
    'null',
    'pnet',
    '1e9',
    '\u2028',
    'ä',
  ];
  const texts = [GOOD, ...BAD.map(([, text]) => text)];
  let right = 0;
  for (let round = 0; round < 1500; round++) {
    let text = integer(3) === 0 ? pick(texts) : GOOD;
    for (let change = integer(4); change >= 0; change--) {
      const at = integer(text.length + 1);
      const kind = integer(3);
      if (kind === 0) text = text.slice(0, at) + pick(PIECES) + text.slice(at);
      else if (kind === 1) text = text.slice(0, at) + text.slice(at + 1 + integer(6));
      else text = text.slice(0, at) + pick(texts).slice(integer(40), 40 + integer(40)) + text.slice(at);
    }
    const lines = text.split('\n').length;
    const found = mistakes(text);
    if (found.length === 0) right++;
    for (const mistake of found) {
      const [, line, column] = /^(\d+):(\d+): \S/.exec(mistake) ?? [];
      if (!(Number(line) >= 1 && Number(line) <= lines && Number(column) >= 1))
        t.fail(`${mistake} in ${JSON.stringify(text)}`);
    }
  }
  t.ok(right > 10 && right < 1000, `${right} of 1500 are right`);
});
