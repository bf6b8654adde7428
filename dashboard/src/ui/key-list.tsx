/** The list of keys, which `?` opens. */

import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { en } from '../words/en.ts';
import { Dialog } from './dialog.tsx';
import { useKeys } from './keys.ts';

const open = signal(false);

export function Keys(): JSX.Element {
  return (
    <table>
      <tbody>
        {en.settings.keyList.map(([key, what]) => (
          <tr key={key}>
            <td>
              {key.split(' ').map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </td>
            <td>{what}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function KeyList(): JSX.Element | null {
  useKeys({
    '?': () => {
      open.value = true;
    },
  });
  if (!open.value) return null;
  const close = () => {
    open.value = false;
  };
  return (
    <Dialog title={en.settings.shortcuts} onClose={close}>
      <Keys />
      <div class="row buttons">
        <button type="button" class="btn" onClick={close} autoFocus>
          {en.errors.close}
        </button>
      </div>
    </Dialog>
  );
}
