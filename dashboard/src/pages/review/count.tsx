/** Counts the users of a file, which stays in the page. */

import type { JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { startCount } from '../../engine/client.ts';
import type { Counted, Moves } from '../../engine.ts';
import { ErrorNote } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { count } from '../../words/format.ts';
import { linesOf } from './lines.ts';

const words = en.review.count;

interface State {
  /** From 0 to 1; left out when nothing is counted. */
  readonly done?: number;
  readonly counted?: Counted;
  readonly isStopped?: boolean;
  readonly problem?: Error;
}

async function run(
  older: string,
  newer: string,
  file: File,
  signal: AbortSignal,
  onCounted: (counted: Counted, done: number) => void,
): Promise<void> {
  const { engine, end } = startCount();
  // At once, whatever is read or counted at the moment.
  signal.addEventListener('abort', end);
  try {
    await engine.diff(older, newer);
    for await (const { lines, bytes } of linesOf(file)) {
      if (signal.aborted) return;
      onCounted(await engine.count(lines), bytes / file.size);
    }
  } finally {
    end();
  }
}

function Row({ flag, moves }: { flag: string; moves: Moves }): JSX.Element {
  return (
    <tr>
      <th scope="row" class="mono">
        {flag}
      </th>
      {[moves.gain, moves.lose, moves.switch + moves.value, moves.same].map((users, at) => (
        <td key={String(at)} class="n">
          {count(users)}
        </td>
      ))}
    </tr>
  );
}

function Result({ counted }: { counted: Counted }): JSX.Element {
  return (
    <>
      <table aria-label={words.table}>
        <thead>
          <tr>
            <th scope="col">{en.review.flag}</th>
            <th scope="col">{en.review.gain}</th>
            <th scope="col">{en.review.lose}</th>
            <th scope="col">{words.other}</th>
            <th scope="col">{words.same}</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(counted.flags).map(([flag, moves]) => (
            <Row key={flag} flag={flag} moves={moves} />
          ))}
        </tbody>
      </table>
      {counted.failed > 0 && (
        <details open>
          <summary>{words.failed(counted.failed)}</summary>
          {counted.problems.map(({ line, message, help }) => (
            <p key={line}>
              {words.problem(line, message)} <span class="muted">{help}</span>
            </p>
          ))}
        </details>
      )}
    </>
  );
}

function Progress({ done, onStop }: { done: number; onStop: () => void }): JSX.Element {
  return (
    <span class="row tight">
      <progress aria-label={words.counting} value={done} />
      <button type="button" class="btn small" onClick={onStop}>
        {words.stop}
      </button>
    </span>
  );
}

export function Count({ older, newer }: { older: string; newer: string }): JSX.Element {
  const id = useId();
  const [state, setState] = useState<State>({});
  const running = useRef(new AbortController());
  useEffect(() => () => running.current.abort(), []);
  const start = (file: File) => {
    running.current.abort();
    const mine = new AbortController();
    running.current = mine;
    setState({ done: 0 });
    const onCounted = (counted: Counted, done: number) => mine.signal.aborted || setState({ counted, done });
    run(older, newer, file, mine.signal, onCounted).then(
      () => mine.signal.aborted || setState(({ counted }) => (counted ? { counted } : {})),
      (problem: Error) => mine.signal.aborted || setState({ problem }),
    );
  };
  const stop = () => {
    running.current.abort();
    setState(({ counted }) => ({ isStopped: true, ...(counted ? { counted } : {}) }));
  };
  const { done, counted, isStopped, problem } = state;
  return (
    <div class="inset">
      <label for={id}>{words.file}</label> <span class="muted">{words.hint}</span>
      <div class="row">
        <input
          id={id}
          type="file"
          accept=".jsonl,.ndjson,.json,.txt"
          onChange={({ currentTarget: { files } }) => files?.[0] && start(files[0])}
        />
        {done !== undefined && <Progress done={done} onStop={stop} />}
        <span role="status">
          {isStopped && `${words.stopped} `}
          {counted && done === undefined && words.counted(counted.contexts)}
        </span>
      </div>
      {counted && <Result counted={counted} />}
      <ErrorNote problem={problem} />
    </div>
  );
}
