/** Every word of the dashboard. Another language is another object of its type. */

import { conditions, operators } from './en/conditions.ts';
import { flag } from './en/flag.ts';
import { command, flags } from './en/list.ts';
import { audit, cohorts, history, hosts, settings, text, why } from './en/pages.ts';
import { review } from './en/review.ts';
import * as f from './format.ts';
import { plural } from './format.ts';

export const en = {
  product: 'FLCM Flags',
  skip: 'Skip to content',
  nav: {
    label: 'Main',
    flags: 'Flags',
    why: 'Why?',
    cohorts: 'Cohorts',
    hosts: 'Hosts',
    history: 'History',
    audit: 'Audit',
    text: 'Text editor',
    review: 'Review',
    settings: 'Settings',
    menu: 'Menu',
    waiting: (count: number) => (count === 1 ? 'needs you' : 'need you'),
    draft: (edits: number) => plural(edits, 'edit', 'edits'),
    revision: (revision: number) => `revision ${f.count(revision)}`,
    mode: { file: 'file, written back', database: 'kept in the database', none: 'managed elsewhere' },
    uncommitted: 'uncommitted',
  },
  top: {
    search: 'Search flags, users…',
    results: 'Results',
    whyUser: (user: string) => `Why does ${user} get what they get?`,
    live: 'live',
    connecting: 'connecting…',
    lost: 'not live',
    hosts: (hosts: number) => plural(hosts, 'host', 'hosts'),
    who: (name: string, role: string) => `${name} · ${role}`,
    signOut: 'Sign out',
  },
  banner: {
    notStored:
      'Not stored: the server cannot write to its disk. What is in force stays in force, but a restart would lose it.',
    stale: (since: number, at: number) =>
      `The stream is lost since ${f.span(since)}. What you see is as of ${f.clockSeconds(at)}.`,
    outdated: 'The server has been updated. Load the page again; your draft stays.',
    reload: 'Load again',
    managed: 'This document is managed elsewhere. You can try everything; publishing is done there.',
  },
  signIn: {
    title: 'Sign in',
    key: 'Your key',
    hint: 'An administrator makes keys with “flcm key”. The key is sent once and kept nowhere in this page.',
    submit: 'Sign in',
    busy: 'Signing in…',
    expired: 'Your session has ended. Sign in again; your draft is still here.',
  },
  state: {
    rolledBack: (ago: string) => `Rolled back ${ago}`,
    capped: (cap: string, slow: boolean) => `Capped at ${cap}${slow ? ': slow' : ''}`,
    probing: (share: string) => `Probing ${share}`,
    held: (by: string | null, ago: string) => (by ? `Held by ${by} ${ago}` : `Held ${ago}`),
    evidence: 'Evidence rises',
    evidenceShare: (share: string) => `Evidence rises: ${share} of a rollback`,
    waits: (flag: string) => `Waits for ${flag}`,
    rolling: 'Rolling out',
    split: 'A/B test',
    full: '100\u202f%',
    off: 'Off',
    stale: (percentage: string, ago: string) => `Stale: ${percentage} for ${ago}`,
    past: (date: string) => `Stale: until ${date}`,
    unasked: 'No host asks for it',
    unprotected: 'Nothing stops it',
    observed: 'Observed only',
    forced: 'Forced on',
  },
  flags,
  command,
  flag,
  conditions,
  operators,
  review,
  why,
  cohorts,
  hosts,
  history,
  audit,
  settings,
  text,
  errors: {
    network: 'The server does not answer.',
    networkHelp: 'Look whether it runs; this page tries again by itself.',
    unexpected: 'That did not work.',
    retry: 'Try again',
    close: 'Close',
    notFound: 'There is no such page.',
    home: 'To the flags',
  },
};
