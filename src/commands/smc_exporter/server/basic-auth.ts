// SPDX-License-Identifier: MIT
/** Users and passwords of HTTP's basic authentication. */
import { createHash, randomBytes } from 'node:crypto';
import bcrypt from 'bcryptjs';

/** Comparisons that wait for one another; each takes up to a second of processor time. */
const MOST_WAITING = 16;

/** Pairs of user and password whose outcome is kept, so that a client that comes again costs nothing. */
const MOST_KEPT = 100;

/** A hash that is compared for users that are not there, so that the time does not tell. */
const NOBODY = '$2b$10$e83PKDJ7k7XaUeJa6nU/QOnXS9OeYnT72WyMmAgnp0EbO.f9z1kfu';

export class BasicAuth {
  readonly #users: ReadonlyMap<string, string>;
  /** outcomes by a digest of user and password, which nobody can make without the secret of this process */
  readonly #known = new Map<string, boolean>();
  readonly #secret = randomBytes(32);
  #queue: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** @param users bcrypt hashes by name; if there are none, everybody is admitted */
  constructor(users: ReadonlyMap<string, string>) {
    this.#users = users;
  }

  /**
   * @param header `Authorization` of a request
   * @returns `busy` if too many passwords are being compared
   */
  async admits(header: string | undefined): Promise<boolean | 'busy'> {
    if (this.#users.size === 0) return true;
    const [, encoded = ''] = /^basic ([a-z0-9+/=]+)$/i.exec(header ?? '') ?? [];
    const text = Buffer.from(encoded, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    if (colon < 0) return false;
    const [user, password] = [text.slice(0, colon), text.slice(colon + 1)];
    const key = createHash('sha256').update(this.#secret).update(text).digest('base64');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#waiting >= MOST_WAITING) return 'busy';
    const hash = this.#users.get(user);
    const outcome = (await this.#compare(password, hash ?? NOBODY)) && hash !== undefined;
    this.#keep(key, outcome);
    return outcome;
  }

  /** One at a time. */
  async #compare(password: string, hash: string): Promise<boolean> {
    this.#waiting++;
    const comparison = this.#queue.then(() => bcrypt.compare(password, hash));
    this.#queue = comparison.catch(() => {});
    try {
      return await comparison;
    } finally {
      this.#waiting--;
    }
  }

  #keep(key: string, outcome: boolean): void {
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MOST_KEPT && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(key, outcome);
  }
}
