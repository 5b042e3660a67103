// SPDX-License-Identifier: MIT
/** Numbers in the words of the page. Used on the server and in the browser, so nothing here needs Node. */

const COUNT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `1,204` */
export const countText = (count: number | bigint): string => COUNT.format(count);

/** `34 %`; what is neither nothing nor all is never rounded to 0 or 100. @param share 0 to 1 */
export function percentText(share: number): string {
  const percent = Math.round(100 * share);
  if (percent === 0 && share > 0) return '< 1 %';
  if (percent === 100 && share < 1) return '> 99 %';
  return `${percent} %`;
}

const BYTE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const;

/** Three digits and a decimal unit: `12.3 MB`. */
export function bytesText(bytes: number | bigint): string {
  let value = Number(bytes);
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const places = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(places)} ${BYTE_UNITS[unit]}`;
}

/** `12.3 MB/s` */
export const rateText = (bytesPerSecond: number): string => `${bytesText(bytesPerSecond)}/s`;

/** What follows "the last": `second`, `45 seconds`, `12 minutes`, `hour` */
export function durationText(seconds: number): string {
  if (seconds < 90) return several(Math.max(1, Math.round(seconds)), 'second');
  const minutes = Math.round(seconds / 60);
  return minutes >= 59 ? 'hour' : several(minutes, 'minute');
}

const several = (count: number, noun: string): string => (count === 1 ? noun : plural(count, noun));

/** `1 link`, `2 links`, `1,204 links` */
export const plural = (count: number, noun: string): string =>
  count === 1 ? `1 ${noun}` : `${countText(count)} ${noun}s`;

/** A GID as an IP address if it stands for one of IPv4, else with its zeros left out: `10.9.0.1`, `fe80::ff:fe00:1`. */
export function shortGid(gid: string): string {
  const groups = gid.split(':');
  if (groups.length !== 8 || !groups.every((group) => /^[0-9a-f]{4}$/.test(group))) return gid;
  const numbers = groups.map((group) => Number.parseInt(group, 16));
  const [high = 0, low = 0] = numbers.slice(6);
  if (/^(0000:){5}ffff:/.test(gid)) return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
  const words = numbers.map((number) => number.toString(16)).join(':');
  const zeros = words.match(/(?:^|:)0(?::0)+(?=:|$)/g)?.sort((one, other) => other.length - one.length)[0];
  return zeros === undefined ? words : words.replace(zeros, ':').replace(/^:(?!:)|:$/, '::');
}
