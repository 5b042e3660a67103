// SPDX-License-Identifier: MIT
/** Colours. Loaded only on terminals. */
import { Chalk } from 'chalk';
import type { Paint, Style } from './table.ts';

// Level 1 (16 colours) follows the user's own terminal theme. The caller has already decided that this is a terminal.
const chalk = new Chalk({ level: 1 });

const STYLES: Readonly<Record<Style, (text: string) => string>> = {
  good: chalk.green,
  info: chalk.cyan,
  bad: chalk.yellow,
  alarm: chalk.red,
  dim: chalk.dim,
  heading: chalk.bold,
};

/** Paints with ANSI escapes. */
export const ansiPaint: Paint = (style, text) => STYLES[style](text);
