/** Where things are kept across a restart: a few named values. */
export interface Store {
  /** What was kept under a name. */
  get(name: string): Promise<Uint8Array | undefined>;
  /** Keeps a value, whole or not at all. */
  set(name: string, bytes: Uint8Array): Promise<void>;
  /** Keeps nothing under a name any more. */
  delete(name: string): Promise<void>;
  /** The names under which something is kept. */
  names(): Promise<readonly string[]>;
}
