// SPDX-License-Identifier: MIT
/** What the screen of --watch shows, and how keys change it. Nothing here knows a terminal. */
import type { TrackedSocket } from '../../../smc/socket-tracker.ts';
import type { Key } from './keys.ts';
import { type Picture, sorted } from './picture.ts';
import { ORDERS, type SortBy } from './sort.ts';

/** Everything that the view needs. */
export interface WatchState {
  picture: Picture;
  /** the sockets of the picture in the order chosen */
  rows: readonly TrackedSocket[];
  sort: SortBy;
  /** first row that is shown */
  top: number;
  isPaused: boolean;
  /** text of the filter in force; '' for none */
  filter: string;
  /** the line in which a filter is being edited */
  edit: { text: string; error?: string } | undefined;
  /** total bytes per second in each list, the last one last */
  history: readonly number[];
  /** lines that are to be read: dangers, and what could not be found out */
  notices: readonly string[];
  seconds: number;
}

/** More is not kept, as no terminal is wider. */
const HISTORY = 1000;

/** What somebody asked for that changes more than the state. */
export type Wish = 'quit' | 'suspend' | 'redraw' | 'resume' | { filter: string };

export function startState(
  picture: Picture,
  given: Pick<WatchState, 'sort' | 'filter' | 'seconds'>,
): WatchState {
  return {
    ...given,
    picture,
    rows: sorted(picture, given.sort),
    top: 0,
    isPaused: false,
    edit: undefined,
    history: [],
    notices: [],
  };
}

/** Takes another list. @param isNext false if it is the same list with another filter */
export function withPicture(state: WatchState, picture: Picture, isNext = true): WatchState {
  const { rx, tx } = picture.traffic;
  return {
    ...state,
    picture,
    rows: sorted(picture, state.sort),
    // totals of different filters cannot be compared
    history: isNext ? [...state.history, rx + tx].slice(-HISTORY) : [],
  };
}

/** The first row that can be shown, so that the last page is full. */
export const shownTop = ({ rows, top }: WatchState, page: number): number =>
  Math.max(0, Math.min(top, rows.length - page));

const NAMES = Object.keys(ORDERS) as SortBy[];

/**
 * What a key does.
 * @param page rows that are shown at once
 */
export function press(state: WatchState, key: Key, page: number): { state: WatchState; wish?: Wish } {
  if (key === 'ctrl-c' || key === 'ctrl-\\') return { state, wish: 'quit' };
  if (key === 'ctrl-z') return { state, wish: 'suspend' };
  if (key === 'ctrl-l') return { state, wish: 'redraw' };
  if (state.edit) return edit(state, state.edit, key);
  const top = shownTop(state, page);
  const moveTo = (row: number): { state: WatchState } => ({
    state: { ...state, top: Math.max(0, Math.min(row, state.rows.length - page)) },
  });
  switch (key) {
    case 'q':
      return { state, wish: 'quit' };
    case ' ':
      return { state: { ...state, isPaused: !state.isPaused }, ...(state.isPaused && { wish: 'resume' }) };
    case 's': {
      const sort = NAMES[(NAMES.indexOf(state.sort) + 1) % NAMES.length]!;
      return { state: { ...state, sort, rows: sorted(state.picture, sort), top: 0 } };
    }
    case '/':
      return { state: { ...state, edit: { text: state.filter } } };
    case 'up':
      return moveTo(top - 1);
    case 'down':
      return moveTo(top + 1);
    case 'page-up':
      return moveTo(top - page);
    case 'page-down':
      return moveTo(top + page);
    case 'home':
      return moveTo(0);
    case 'end':
      return moveTo(state.rows.length);
    default:
      return { state };
  }
}

function edit(
  state: WatchState,
  { text }: NonNullable<WatchState['edit']>,
  key: Key,
): { state: WatchState; wish?: Wish } {
  const become = (changed: string): { state: WatchState } => ({
    state: { ...state, edit: { text: changed } },
  });
  switch (key) {
    case 'escape':
      return { state: { ...state, edit: undefined } };
    case 'enter':
      return { state, wish: { filter: text.trim() } };
    case 'backspace':
      return become([...text].slice(0, -1).join(''));
    case 'ctrl-u':
      return become('');
    case 'ctrl-w':
      return become(text.replace(/\S*\s*$/, ''));
    default:
      return [...key].length === 1 ? become(text + key) : { state };
  }
}
