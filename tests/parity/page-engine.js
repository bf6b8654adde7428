// The engine of pages as the suite wants an engine: it decides, and the full engine does what it cannot.

/** Trips as the page's module stores them. */
const BITS = { clear: 0, probing: 1, off: 2 };

const bitsOf = (state) => BITS[state] ?? 3 | (Number(state.split(' ')[1]) << 2);

/** Every decision is the page's. Keys, bytes and trips as text are those of the full engine. */
class Both {
  #full;
  #page;

  constructor(full, page) {
    this.#full = full;
    this.#page = page;
    this.digest = page.digest;
    this.revision = page.revision;
    this.flagCount = page.flagCount;
  }

  flag = (key) => this.#page.flag(key);
  flagKey = (flag) => this.#full.flagKey(flag);
  trip = (flag) => this.#full.trip(flag);
  trips = () => this.#full.trips();
  bytes = () => this.#full.bytes();
  free = () => this.#full.free();
  context = (key, attributes) => this.#page.context(key, attributes);
  decide = (flag, key, attributes, now) => this.context(key, attributes).decide(flag, now);
  isEnabled = (flag, key, attributes, now) => this.context(key, attributes).isEnabled(flag, now);

  setTrip(flag, state) {
    this.#full.setTrip(flag, state);
    this.#page.setTrip(this.flagKey(flag), bitsOf(state));
  }
}

/** The subject of the suite: an engine of pages beside a full one, and a compiler. */
export function pageSubject({ compiler, engine }, pages) {
  const load = (bytes) => new Both(engine.load(bytes), pages.load(bytes));
  return { compiler, engine: { name: 'page', load }, decidesOnly: true };
}
