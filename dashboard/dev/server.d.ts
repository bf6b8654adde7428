export interface DevelopmentOptions {
  /** How many flags; the first sixteen show each state. */
  readonly flags?: number;
  readonly port?: number;
  readonly keyless?: boolean;
  readonly mode?: 'file' | 'database' | 'none';
}

export interface Development {
  readonly url: string;
  /** Requests, as method and path. */
  readonly log: readonly string[];
  readonly state: { revision: number; digest: string; stored: boolean };
  find(key: string): Record<string, unknown>;
  /** Changes a flag, and tells those who listen. */
  change(key: string, changes: Record<string, unknown>): void;
  publish(text: string, actor?: string, reason?: string): Promise<unknown>;
  text(): string;
  /** Cuts all streams. */
  cut(): void;
  /** How many streams there are. */
  streams(): number;
  /** Refuses streams from now on, or no longer. */
  refuseStreams(on: boolean): void;
  /** Everybody is signed out. */
  forget(): void;
  close(): Promise<void>;
}

export declare const POLICY: string;
export declare function startDev(options?: DevelopmentOptions): Promise<Development>;
