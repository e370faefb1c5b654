import { type Totals, WAIT_TARGET_MS } from '../board-model';
import { formatDuration } from '../duration';
import { Elapsed, type Shown } from './elements';

/** The top line. The browser replaces it as a whole. */
export function TopLine({ totals, texts, now }: Shown & { totals: Totals }) {
  const { waiting, longestWaitSince, live } = totals;
  const isLate = longestWaitSince !== undefined && now - longestWaitSince > WAIT_TARGET_MS;
  return (
    <dl id="top" class="top">
      <div class={waiting > 0 ? 'some' : ''}>
        <dt>{texts.top.waiting}</dt>
        <dd>
          {waiting} <small>{texts.top.target('0')}</small>
        </dd>
      </div>
      <div class={isLate ? 'missed' : ''} data-target={WAIT_TARGET_MS}>
        <dt>{texts.top.longestWait}</dt>
        <dd>
          {longestWaitSince === undefined ? texts.top.none : <Elapsed since={longestWaitSince} now={now} />}{' '}
          <small>{texts.top.target(formatDuration(WAIT_TARGET_MS))}</small>
        </dd>
      </div>
      <div>
        <dt>{texts.top.live}</dt>
        <dd>{live}</dd>
      </div>
    </dl>
  );
}
