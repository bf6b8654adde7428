// What each client asks its service for, answered on this machine with the same 100 flags: those who decide in the page
// get the rules, and those whose service decides get its answers for one user.

import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { peers as configcat } from '../adapters/configcat.js';
import { eppoConfig } from '../adapters/eppo.js';
import { flcmDocument } from '../adapters/flcm.js';
import { peers as growthbook } from '../adapters/growthbook.js';
import { flagdConfig } from '../adapters/openfeature.js';
import { HERE } from './bundle.js';
import { pageFlags } from './workload.js';

const JSON_TYPE = 'application/json';
const flags = pageFlags();

/** What a service that decides would answer for a user who gets what is on for everyone. */
const value = ({ kind, on }) => (kind === 'W1' ? on : kind === 'W2' ? false : 'off');

const launchdarkly = () =>
  Object.fromEntries(
    flags.map((flag, at) => [
      flag.key,
      {
        flagVersion: at + 1,
        trackEvents: false,
        value: value(flag),
        variation: value(flag) === true ? 0 : 1,
        version: 1,
      },
    ]),
  );

/** Unleash answers with the flags that are on. */
const unleash = () => ({
  toggles: flags
    .filter((flag) => value(flag) === true)
    .map(({ key: name }) => ({
      name,
      enabled: true,
      variant: { name: 'disabled', enabled: false, feature_enabled: true },
      impressionData: false,
    })),
});

const text = (from) => (typeof from === 'string' ? from : JSON.stringify(from));

/**
 * The answers, by the beginning of the path that is asked for. An `events` stays open.
 *
 * @param {string} checkout whose compiler makes our snapshot
 * @returns {Promise<{ prefix: string, type: string, body?: Uint8Array | string, events?: string }[]>}
 */
export async function services(checkout = HERE) {
  const { compiler, engine } = await import(pathToFileURL(path.join(checkout, 'pkg/node/dist/index.js')));
  const { snapshot, report } = compiler.compile(flcmDocument(flags, []));
  if (!snapshot) throw new Error(report);
  const { digest } = engine.load(snapshot);
  const events = [
    `event: snapshot\ndata: {"digest":"${digest}","revision":0}\n\n`,
    'event: trips\ndata: {"epoch":1,"sequence":1,"flags":{}}\n\n',
  ];
  const json = (prefix, from) => ({ prefix, type: JSON_TYPE, body: text(from) });
  return [
    { prefix: '/flcm/flags/stream', type: 'text/event-stream', events: events.join('') },
    { prefix: '/flcm/flags', type: 'application/vnd.flcm.snapshot', body: snapshot },
    json('/growthbook/api/features/', growthbook[0].config(flags, { seg: [] })),
    { prefix: '/growthbook/sub/', type: 'text/event-stream', events: ':\n\n' },
    json('/configcat/configuration-files/', configcat[0].config(flags, { seg: [] })),
    json('/eppo/flag-config/', eppoConfig(flags, [], false)),
    json('/flagd/', flagdConfig(flags, [])),
    json('/launchdarkly/sdk/goals/', []),
    json('/launchdarkly/sdk/evalx/', launchdarkly()),
    json('/unleash', unleash()),
  ];
}
