import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { createMetrics } from '../../src/metrics/metrics';
import { temporaryFolder } from '../support/temporary-folder';

const DOCS = join(__dirname, '../../docs');
const read = (file: string) => readFileSync(join(DOCS, file), 'utf8');
const page = read('metrics.md');

interface Alert {
  alert: string;
  expr: string;
  annotations: { runbook: string };
}

interface AlertTest {
  alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[];
}

interface Panel {
  title: string;
  type: string;
  description?: string;
  datasource?: { uid: string };
  targets?: { expr: string; datasource: { uid: string } }[];
}

const alerts: Alert[] = parse(read('operations/alerts.yml')).groups[0].rules;
const alertTests: AlertTest[] = parse(read('operations/alerts.test.yml')).tests;
const dashboard: { templating: { list: { name: string; type: string }[] }; panels: Panel[] } = JSON.parse(
  read('operations/grafana-dashboard.json'),
);
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const queries = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const));

/** What the server serves, and the labels of each metric. */
let text = '';
const served = new Map<string, string[]>();

beforeAll(async () => {
  const metrics = createMetrics();
  metrics.timeRoute('/supervisor')('answered', 1);
  metrics.timeStore('read', 1, 'unavailable');
  metrics.timeRest('findCall')('ok', 1);
  metrics.onCallback({ kind: 'joined', ageMs: 0, hasChanged: true });
  metrics.watch({
    store: {
      changes: async () => ({ rooms: [], position: '', isWritable: true }),
      list: async () => ({ rooms: [], now: 0, problems: [] }),
      read: () => Promise.reject(new Error('no room')),
    },
    pendingEvents: () => ({ rooms: 0, refusals: 0 }),
    droppedLines: () => 0,
  });
  ({ text } = await metrics.scrape());
  for (const [, name = ''] of text.matchAll(/^# TYPE (\S+) /gm)) {
    const [, labels = ''] = new RegExp(`^${name}(?:_count)?(?:{(.*)})? `, 'm').exec(text) ?? [];
    served.set(
      name,
      [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label),
    );
  }
});

it('the page has every metric of ours with its labels, and no other', () => {
  const rows = [...page.matchAll(/^\| `(conference_coach_\w+)` \|(.*?)\|/gm)];
  const documented = rows.map(([, name, labels = '']) => [
    name,
    [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label),
  ]);
  const own = [...served].filter(([name]) => name.startsWith('conference_coach_'));
  expect(documented.sort()).toEqual(own.sort());
});

/** Runs promtool; what it writes is part of the error if it fails. */
async function promtool(args: readonly string[], input = ''): Promise<void> {
  const child = spawn('promtool', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part) => {
      output += part;
    });
  }
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  expect([code, output]).toEqual([0, expect.anything()]);
}

/** What is in the way of a query: metrics, labels and their values that the server does not serve. */
function problemsOf(query: string): string[] {
  const own = ['instance', 'job', 'le'];
  const problems: string[] = [];
  const labels = new Set(own);
  for (const [, name = '', matchers = ''] of query.matchAll(
    /\b((?:conference_coach|nodejs|process)_\w+)(?:{([^}]*)})?/g,
  )) {
    const metric = [name, name.replace(/_bucket$/, '')].find((one) => served.has(one));
    if (metric === undefined) {
      problems.push(name);
    }
    for (const label of served.get(metric ?? '') ?? []) {
      labels.add(label);
    }
    for (const [, label = '', values = ''] of matchers.matchAll(/(\w+)[!=~]+"([^"]*)"/g)) {
      const isServed = (value: string) => new RegExp(`^${metric}{.*\\b${label}="${value}"`, 'm').test(text);
      if (!own.includes(label) && !values.split('|').every(isServed)) {
        problems.push(`${name} ${label} ${values}`);
      }
    }
  }
  for (const [, group = ''] of query.matchAll(/\b(?:by|on) \(([^)]*)\)/g)) {
    problems.push(...group.split(/, */).filter((label) => !labels.has(label)));
  }
  return problems;
}

it('our metrics are named and described as Prometheus wants', () => {
  const own = text.split('\n').filter((line) => /^(# (HELP|TYPE) )?conference_coach_/.test(line));
  return promtool(['check', 'metrics'], `${own.join('\n')}\n`);
});

describe('the alerts', () => {
  it('fire and do not fire, as their tests say', () =>
    promtool(['test', 'rules', join(DOCS, 'operations/alerts.test.yml')]));

  it.each(alerts)('$alert has a test in which it fires, and one in which it does not', ({ alert }) => {
    const expectations = alertTests
      .flatMap(({ alert_rule_test: tests }) => tests)
      .filter(({ alertname }) => alertname === alert)
      .map(({ exp_alerts: expected = [] }) => expected.length > 0);
    expect(new Set(expectations)).toEqual(new Set([true, false]));
  });

  it.each(alerts)('$alert asks only for what is served', ({ expr }) => {
    expect(problemsOf(expr)).toEqual([]);
  });

  it('each have a paragraph in the page, which they name, and there is no other', () => {
    const section = page.split('\n## Alerts\n')[1]?.split('\n## ')[0] ?? '';
    const documented = [...section.matchAll(/^### (\w+)\n\n[^\n]{100,}\n/gm)].map(([, name]) => name);
    expect(documented).toEqual(alerts.map(({ alert }) => alert));
    for (const { alert, annotations } of alerts) {
      expect(annotations.runbook).toBe(`docs/metrics.md#${alert.toLowerCase()}`);
    }
  });
});

describe('the dashboard', () => {
  it('has one variable, the Prometheus that every panel asks', () => {
    expect(dashboard.templating.list).toMatchObject([{ name: 'datasource', type: 'datasource', query: 'prometheus' }]);
    for (const { description, datasource, targets = [] } of panels) {
      expect(description).toMatch(/\.$/);
      expect([datasource, ...targets.map((target) => target.datasource)].map((one) => one?.uid)).toEqual(
        Array(targets.length + 1).fill(`$\{datasource}`),
      );
      expect(targets).not.toEqual([]);
    }
  });

  it('asks only for what is served', () => {
    expect(queries.map(([title, expr]) => [title, problemsOf(expr)])).toEqual(queries.map(([title]) => [title, []]));
  });

  it('has queries that Prometheus understands', () => {
    const rules = queries.map(([, expr], index) => ({
      record: `query:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m'),
    }));
    const file = join(temporaryFolder(), 'queries.yml');
    writeFileSync(file, stringify({ groups: [{ name: 'queries', rules }] }));
    return promtool(['check', 'rules', '--lint=all', file]);
  });

  it('shows every metric of ours', () => {
    const all = queries.map(([, expr]) => expr).join('\n');
    const missing = [...served.keys()].filter((name) => name.startsWith('conference_coach_') && !all.includes(name));
    expect(missing).toEqual([]);
  });
});
