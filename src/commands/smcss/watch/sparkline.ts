// SPDX-License-Identifier: MIT
/** Values as a line of small bars. */

const BARS = [...'▁▂▃▄▅▆▇█'];
const ASCII_BARS = [...'_.-=+*#@'];

/**
 * The last values, one character each; 0 has the lowest bar, the largest one the highest.
 * @param width in characters; with fewer values it is shorter
 */
export function sparkline(values: readonly number[], width: number, isUnicode: boolean): string {
  const shown = width > 0 ? values.slice(-width) : [];
  const bars = isUnicode ? BARS : ASCII_BARS;
  const most = Math.max(...shown, Number.MIN_VALUE);
  // a bar higher than the lowest one means that something was moved
  return shown.map((value) => bars[Math.ceil((value / most) * (bars.length - 1))]).join('');
}
