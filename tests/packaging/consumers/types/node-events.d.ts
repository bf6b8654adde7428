// What OpenFeature's SDK for servers takes of Node's types: ours need none, and are tried without.
declare module 'node:events' {
  // biome-ignore lint/suspicious/noExplicitAny: it stands for whatever the SDK asks of it
  export type EventEmitter<_Events> = any;
}
