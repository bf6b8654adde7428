/** The frame: where one can go, what is going on, and who one is. */

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import {
  heardAt,
  hosts,
  isOutdated,
  lostSince,
  meta,
  now,
  overview,
  session,
  signOut,
  streaming,
  waiting,
} from './data/store.ts';
import { draft } from './draft/store.ts';
import { Brand } from './ui/brand.tsx';
import { Link } from './ui/link.tsx';
import { narrow } from './ui/media.ts';
import { Search } from './ui/search.tsx';
import { en } from './words/en.ts';

const FIRST = ['flags', 'why', 'cohorts', 'hosts', 'history', 'audit'] as const;
const SECOND = ['text', 'settings'] as const;

function Place({ name, path }: { name: keyof typeof en.nav; path: string }): JSX.Element {
  const number = name === 'flags' ? waiting.value : 0;
  const isHere = path === `/${name}` || path.startsWith(`/${name}/`);
  return (
    <Link href={`/${name}`} {...(isHere ? { 'aria-current': 'page' as const } : {})}>
      {en.nav[name] as string}
      {number > 0 && (
        <span class="count" title={en.nav.waiting(number)}>
          {number}
          <span class="hidden-text"> {en.nav.waiting(number)}</span>
        </span>
      )}
    </Link>
  );
}

function DraftPlace({ path }: { path: string }): JSX.Element | null {
  const edits = draft.value?.edits.length ?? 0;
  if (edits === 0) return null;
  return (
    <Link href="/review" {...(path === '/review' ? { 'aria-current': 'page' as const } : {})}>
      {en.nav.review}
      <span class="count calm">{en.nav.draft(edits)}</span>
    </Link>
  );
}

function Places(): JSX.Element {
  const [path] = useLocation();
  const document = meta.value?.document;
  return (
    <>
      <div class="places">
        {FIRST.map((name) => (
          <Place key={name} name={name} path={path} />
        ))}
        <div class="separator" />
        <DraftPlace path={path} />
        {SECOND.map((name) => (
          <Place key={name} name={name} path={path} />
        ))}
      </div>
      <small>
        {document?.name}
        <br />
        {overview.value && en.nav.revision(overview.value.revision)}
        <br />
        {document && en.nav.mode[document.mode]}
        {document?.uncommitted && (
          <>
            <br />
            <span class="chip">{en.nav.uncommitted}</span>
          </>
        )}
      </small>
    </>
  );
}

export function Side(): JSX.Element | null {
  if (narrow.value) return null;
  return (
    <nav class="side" aria-label={en.nav.label}>
      <Link href="/flags" class="brand">
        <Brand />
      </Link>
      <Places />
    </nav>
  );
}

/** The navigation of narrow windows; closes when one has chosen. */
function Menu(): JSX.Element {
  const ref = useRef<HTMLDetailsElement>(null);
  const [path] = useLocation();
  useEffect(() => {
    if (ref.current) ref.current.open = false;
  }, [path]);
  return (
    <details class="menu" ref={ref}>
      <summary>
        <span aria-hidden="true">☰</span> <span class="hidden-text">{en.nav.menu}</span>
      </summary>
      <nav aria-label={en.nav.label}>
        <Places />
      </nav>
    </details>
  );
}

function Stream(): JSX.Element {
  if (lostSince.value !== undefined) {
    return (
      <span>
        <span class="gone" aria-hidden="true">
          ○
        </span>{' '}
        {en.top.lost}
      </span>
    );
  }
  return (
    <span>
      <span class={streaming.value ? 'good' : ''} aria-hidden="true">
        ●
      </span>{' '}
      {streaming.value ? en.top.live : en.top.connecting}
    </span>
  );
}

function Who(): JSX.Element | null {
  const who = session.value;
  if (!who) return null;
  return (
    <details class="popup">
      <summary>{en.top.who(who.name, who.role)}</summary>
      <div>
        <Link href="/settings">{en.nav.settings}</Link>
        {!who.keyless && (
          <button type="button" class="btn small" onClick={() => void signOut()}>
            {en.top.signOut}
          </button>
        )}
      </div>
    </details>
  );
}

export function Top(): JSX.Element {
  return (
    <header class="top">
      {narrow.value && <Menu />}
      <Search />
      <div class="live">
        <span class="wide-only">
          <Stream />
        </span>
        {hosts.value && <span class="wide-only">{en.top.hosts(hosts.value.total)}</span>}
        <Who />
      </div>
    </header>
  );
}

const PATIENCE_MS = 3000;

/** What lasts is a banner, never something that goes away by itself. */
export function Banners(): JSX.Element {
  const since = lostSince.value;
  const isLost = since !== undefined && now.value - since > PATIENCE_MS;
  return (
    <>
      {isOutdated.value && (
        <div class="panel banner warn" role="status">
          {en.banner.outdated}{' '}
          <button type="button" class="btn small" onClick={() => window.location.reload()}>
            {en.banner.reload}
          </button>
        </div>
      )}
      {meta.value?.stored === false && (
        <div class="panel banner" role="alert">
          {en.banner.notStored}
        </div>
      )}
      {isLost && (
        <div class="panel banner warn" role="status">
          {en.banner.stale(now.value - since, heardAt.value)}
        </div>
      )}
      {meta.value?.document.mode === 'none' && <div class="panel banner calm">{en.banner.managed}</div>}
    </>
  );
}
