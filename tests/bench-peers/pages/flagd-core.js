// The evaluator of flagd, which brings no client: the page fetches the flags itself.
import { FlagdCore } from '@openfeature/flagd-core';

const core = new FlagdCore();
core.setConfigurations(await (await fetch('/flagd/flags.json')).text());
const user = { targetingKey: 'user-00001', country: 'DE', age: 40, plan: 'pro' };
performance.mark('decided', { detail: core.resolveBooleanEvaluation('w1_0', false, user, console).value });
