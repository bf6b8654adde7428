/** Who asks for a flag, by app and version. */

import type { JSX } from 'preact';
import type { FlagHosts } from '../../data/api.ts';
import { get } from '../../data/http.ts';
import { useFetched } from '../../ui/fetched.ts';
import { Panel, Pill, Waiting } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';

const words = en.flag.asks;
const EVERY_MS = 10_000;

function amount({ hosts, pages }: FlagHosts): string {
  return pages > 0 && hosts === 0 ? words.pages(pages) : words.hosts(hosts);
}

export function Asks({ flag }: { flag: string }): JSX.Element {
  const { value, problem, again } = useFetched(
    flag,
    () => get<FlagHosts[]>(`/flags/${encodeURIComponent(flag)}/hosts`),
    EVERY_MS,
  );
  return (
    <Panel title={words.title}>
      {!value && <Waiting text={en.history.loading} problem={problem} retry={again} />}
      {value?.length === 0 && <p class="muted">{words.none}</p>}
      <table>
        <tbody>
          {value?.map((row) => (
            <tr key={`${row.app} ${row.version} ${row.sdk}`}>
              <th scope="row">
                {row.app ?? en.hosts.unknown} {row.version} <span class="muted">{row.sdk?.split('/')[0]}</span>
              </th>
              <td class="n">{amount(row)}</td>
              <td class="n">
                {row.behind > 0 ? (
                  <Pill tone="warn" shape="▲">
                    {words.behind}
                  </Pill>
                ) : (
                  <Pill tone="ok" shape="●">
                    {words.inStep}
                  </Pill>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
