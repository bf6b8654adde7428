// Markdown of what was measured. Noise only adds time, so the least of all rounds stands, and the least median beside it.
const WORKLOADS = ['W1', 'W2', 'W3', 'W3h', 'W4', 'W5', 'W5all'];

/** All tables of the rows of one or more runs. */
export function tables(rows) {
  const cells = merged(rows);
  const evaluations = cells.filter(({ kind }) => kind === 'eval');
  const boots = cells.filter(({ kind }) => kind === 'boot');
  const parts = [];
  if (evaluations.length > 0) parts.push(timesOf(evaluations), ratiosOf(evaluations), fasterOf(evaluations));
  if (boots.length > 0) parts.push(bootsOf(boots));
  const failed = new Set(failures(rows).map(({ peer, step, error }) => `- ${peer}, ${step}: ${error}`));
  if (failed.size > 0) parts.push(['What failed:', '', ...failed].join('\n'));
  return parts.join('\n\n');
}

/** Peers that could not be measured, and evaluations that do not answer what they should. */
export function failures(rows) {
  const misfits = rows.filter(({ share_ok }) => share_ok === false);
  const said = misfits.map((row) => ({
    ...row,
    step: row.workload,
    error: `the share of ${row.share} should be ${row.expect}`,
  }));
  return [...rows.filter(({ kind }) => kind === 'error'), ...said];
}

/** One row for each peer and workload. */
function merged(rows) {
  const groups = grouped(rows, ({ kind, peer, workload, n }) => [kind, peer, workload, n].join('|'));
  return groups.map(([, group]) => {
    const least = (name) => Math.min(...group.map((row) => row[name]));
    const middle = (name) => group.map((row) => row[name]).sort((a, b) => a - b)[group.length >> 1];
    return {
      ...group[0],
      least: least(group[0].kind === 'boot' ? 'boot_ms' : 'ns_min'),
      median: group[0].kind === 'boot' ? middle('boot_ms') : least('ns_median'),
      import_ms: least('import_ms'),
      rss_mb: middle('rss_mb'),
      heap_mb: middle('heap_mb'),
      other_cpu: middle('other_cpu'),
      share_ok: group.every((row) => row.share_ok !== false),
    };
  });
}

function timesOf(cells) {
  const cell = (row) => (row ? `${short(row.least)} / ${short(row.median)}${row.share_ok ? '' : ' *'}` : '–');
  const lines = byPeer(cells).map(([peer, rows]) => {
    const others = Math.max(...rows.map(({ other_cpu }) => other_cpu));
    const [{ version, rust, async: isAsync }] = rows;
    return [peer, version, rust ? 'Rust' : isAsync ? 'async' : 'sync', ...inColumns(rows, cell), others];
  });
  const head = ['', 'version', 'API', ...WORKLOADS, 'CPU of others'];
  return `ns an evaluation, least / median (W5 and W5all: a flag; * answers something else)\n\n${markdown(head, lines)}`;
}

/** How many times as long a peer takes as the faster of our ways to ask that count, in the same language. */
function ratiosOf(cells) {
  const lines = byPeer(cells).map(([peer, rows]) => {
    const ratio = (row) => (row ? times(row.least / leastOfOurs(cells, row)) : '–');
    return [peer, ...inColumns(rows, ratio)];
  });
  return `As many times as ours\n\n${markdown(['', ...WORKLOADS], lines)}`;
}

/**
 * The peers that take less time than ours. Through OpenFeature's client the comparison is with our provider. Those who
 * evaluate nothing are no peers, and those who answer something else have failed.
 */
function fasterOf(cells) {
  const lines = [true, false].flatMap((layered) => {
    const alike = cells.filter(({ peer }) => isLayered(peer) === layered);
    return alike.flatMap((row) => {
      const ratio = row.least / leastOfOurs(alike, row);
      const isPeer = !row.ours && row.share_ok && row.evaluates !== false;
      const words = ratio > 0 ? ratio.toFixed(2) : 'nothing of ours to compare with';
      return isPeer && ratio < 1 ? [`- ${row.peer}, ${row.workload}: ${words}`] : [];
    });
  });
  return ['Below 1.0:', '', ...(lines.length > 0 ? lines : ['- none'])].join('\n');
}

const isLayered = (peer) => /^open-?feature/.test(peer);

function leastOfOurs(cells, { rust, workload }) {
  const ours = cells.filter((row) => row.ours && row.rust === rust && row.workload === workload);
  // What has no call for all flags is compared by what has one.
  const base = ours.some((row) => row.base) ? ours.filter((row) => row.base) : ours;
  return Math.min(...base.map(({ least }) => least));
}

function bootsOf(cells) {
  const lines = byPeer(cells).map(([peer, rows]) => {
    const starts = [...rows]
      .sort((a, b) => a.n - b.n)
      .flatMap((row) => {
        return [`${short(row.least)} / ${short(row.median)}`, row.rss_mb, row.heap_mb, row.config_mb];
      });
    return [peer, rows[0].version, rows[0].rust ? '–' : rows[0].import_ms, ...starts];
  });
  const columns = byPeer(cells)[0][1].flatMap(({ n }) => [`${n} flags`, 'resident MB', 'heap MB', 'text MB']);
  return `W6, ms from text to first answer, least / median\n\n${markdown(['', 'version', 'import', ...columns], lines)}`;
}

const byPeer = (cells) => grouped(cells, ({ peer }) => peer);

/** Pairs of a key and its rows, in the order in which the keys come. */
function grouped(rows, keyOf) {
  const groups = new Map();
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  return [...groups];
}

const inColumns = (rows, cell) => WORKLOADS.map((name) => cell(rows.find(({ workload }) => workload === name)));

const short = (number) => (number >= 100 ? Math.round(number).toLocaleString('en-US') : number.toFixed(1));

const times = (ratio) => (ratio > 0 ? ratio.toFixed(ratio < 10 ? 1 : 0) : '–');

function markdown(head, lines) {
  const rule = head.map(() => '---');
  return [head, rule, ...lines].map((line) => `| ${line.join(' | ')} |`).join('\n');
}
