/** What is stored across a restart: a few named values. */
export interface Store {
  /** What was stored under a name. */
  get(name: string): Promise<Uint8Array | undefined>;
  /** Keeps a value, whole or not at all. */
  set(name: string, bytes: Uint8Array): Promise<void>;
  /** Keeps nothing under a name any more. */
  delete(name: string): Promise<void>;
  /** The names under which something is stored. */
  names(): Promise<readonly string[]>;
}
