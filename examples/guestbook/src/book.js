/** The guestbook itself: the newest entries in memory, checked before they are taken. */
export class Book {
  #entries = [];
  #limit;

  constructor(limit = 200) {
    this.#limit = limit;
  }

  /** Adds one line. Returns the entry, or a sentence that says what is wrong with it. */
  sign(name, message) {
    if (typeof name !== 'string' || name.trim() === '') return { error: 'name is missing' };
    if (typeof message !== 'string' || message.trim() === '') return { error: 'message is missing' };
    if (message.length > 280) return { error: 'message is longer than 280 characters' };
    const entry = { name: name.trim(), message: message.trim() };
    this.#entries.unshift(entry);
    this.#entries.length = Math.min(this.#entries.length, this.#limit);
    return { entry };
  }

  newest(count = 20) {
    return this.#entries.slice(0, count);
  }
}
