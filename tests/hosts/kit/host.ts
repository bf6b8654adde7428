import type { FeatureEvents, FeaturesOptions, RemoteState } from '@flcm/features';

/** What the suite asks of a host: the part of `FeatureFlagManager` that every language has. */
export interface Host {
  readonly snapshot:
    | { readonly digest: string; readonly revision: bigint; readonly flags: readonly string[] }
    | undefined;
  readonly remote: {
    readonly state: RemoteState;
    readonly ageMs: number | undefined;
    readonly settled: Promise<void>;
    sync(): Promise<void>;
  };
  readonly metrics: {
    flush(): Promise<void>;
    summary(flag: string): { readonly decisions: number } | undefined;
  };
  readonly breaker: { state(flag: string): string | undefined };
  isEnabled(flag: string, user: string): boolean;
  decision(flag: string, user: string): { readonly enabled: boolean; readonly errorCode: string | undefined };
  value(flag: string, fallback: string, user: string): unknown;
  explain(flag: string): { readonly trip: string | undefined };
  for(user: { readonly targetingKey: string }): {
    isEnabled(flag: string): boolean;
    record(flag: string, outcome: { readonly failed: boolean }): void;
  };
  on<K extends keyof FeatureEvents>(event: K, listener: (event: FeatureEvents[K]) => void): () => void;
  close(): Promise<void>;
}

/** Options of a host, but for its clock. */
export type HostOptions = Omit<FeaturesOptions, 'clock'>;

/** A clock that a test steps. `ManualClock` says what each of these does. */
export interface TestClock {
  chance: () => number;
  early: number;
  readonly waiting: number;
  readonly next: number | undefined;
  now(): number;
  elapsed(): number;
  vary(): void;
  jump(ms: number): void;
  pass(ms: number): Promise<void>;
  ring(): void;
}
