// The dashboard and the alert rules against the metrics of a real Bia that somebody signed in at: every metric and
// every label that they name exists. PromQL is parsed by Prometheus' own promtool.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { adminUrl, bia, endAll, isReady, publicUrl, root, run, start, startStandIn, writeConfiguration } from './programs.mjs';
import { Visitor } from './visitor.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'bia-monitoring-'));
const dashboard = JSON.parse(readFileSync(path.join(root, 'contrib/grafana/bia.json'), 'utf8'));
const rules = readFileSync(path.join(root, 'contrib/prometheus/alerts.yml'), 'utf8');
const page = readFileSync(path.join(root, 'docs/observability.md'), 'utf8');
/** Metric → labels, as the page says; a test of the telemetry crate holds the page against the code. */
const documented = new Map([...page.matchAll(/^\| `((?:bia|process)_\w+)` \| (\w+) \| (.*?) \|/gm)]
  .map(([, name, kind, labels]) => [name, { kind, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label) }]));
// What Prometheus adds to every series.
const TARGET = ['job', 'instance'];
let text;

before(async () => {
  const standIn = await startStandIn();
  writeConfiguration(folder, { dsn: `sqlite://${folder}/bia.sqlite`, standIn: standIn.url });
  await isReady(start(bia, ['serve', '--config', path.join(folder, 'kratos.yml')]));
  await new Visitor().signIn(publicUrl);
  const refused = new Visitor();
  await refused.ask(`${publicUrl}/self-service/methods/oidc/callback/partner?state=none&code=none`);
  text = await (await fetch(`${adminUrl}/metrics/prometheus`)).text();
});
after(endAll);

const expressions = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

/** `histogram_bucket` and the like count as their histogram. */
function metric(name) {
  const whole = name.replace(/_(bucket|sum|count)$/, '');
  return documented.get(name) ?? (documented.get(whole)?.kind === 'histogram' ? documented.get(whole) : undefined);
}

function unknownIn(expression) {
  const names = [...expression.matchAll(/\b((?:bia|process)_\w+)\s*(\{[^}]*\})?/g)];
  const problems = names.filter(([, name]) => !metric(name)).map(([, name]) => name);
  for (const [, name, matchers = ''] of names) {
    for (const [, label] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) {
      if (metric(name) && ![...metric(name).labels, ...TARGET, 'le'].includes(label)) problems.push(`${name}{${label}}`);
    }
  }
  const labels = new Set([...TARGET, 'le', ...names.flatMap(([, name]) => metric(name)?.labels ?? [])]);
  for (const [, list] of expression.matchAll(/\bby \(([^)]*)\)/g)) {
    problems.push(...list.split(',').map((label) => label.trim()).filter((label) => !labels.has(label)).map((label) => `by (${label})`));
  }
  return problems;
}

test('the dashboard asks only for metrics and labels that exist', () => {
  assert.ok(expressions.length > 40);
  for (const { title, expr } of expressions) assert.deepEqual(unknownIn(expr), [], title);
});

test('the alert rules ask only for metrics and labels that exist', () => {
  const asked = [...rules.matchAll(/^ +expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)/gm)].map(([, block, line]) => block ?? line);
  assert.ok(asked.length > 12);
  for (const expression of asked) assert.deepEqual(unknownIn(expression), []);
});

test('every step that an alert rule names is a reason that exists', () => {
  const reasons = page.match(/^### Reasons\n([\s\S]*?)^\n?(?:#|`sessions_revoked`)/m)[1];
  const known = [...reasons.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word));
  assert.ok(known.length > 20, known.join());
  const named = [...rules.matchAll(/\bstep(?:=|!=|=~|!~)"([^"]*)"/g)].flatMap(([, words]) => words.split('|'));
  assert.ok(named.length > 10, named.join());
  assert.deepEqual(named.filter((word) => !known.includes(word)), []);
});

test('every alert rule has a case in which it fires', () => {
  const tried = readFileSync(path.join(root, 'contrib/prometheus/alerts.test.yml'), 'utf8');
  const fires = new Set([...tried.matchAll(/alertname: (\w+)\n +exp_alerts:\n +- /g)].map(([, name]) => name));
  const missing = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name).filter((name) => !fires.has(name));
  assert.deepEqual(missing, []);
});

test('a mistake in a metric or a label is found', () => {
  assert.deepEqual(unknownIn('sum by (provder) (rate(bia_sign_in_started_total{flw="x"}[5m])) / bia_sign_in_begun_total'),
    ['bia_sign_in_begun_total', 'bia_sign_in_started_total{flw}', 'by (provder)']);
});

test('every documented metric of Bia is on the dashboard', () => {
  const shown = expressions.map(({ expr }) => expr).join('\n');
  // Hooks that panic or take too long have an alert instead, secrets that are refused too.
  const elsewhere = ['bia_hook_panics_total', 'bia_hook_timeouts_total', 'bia_client_secret_accepted_total'];
  for (const name of elsewhere) assert.ok(rules.includes(name), name);
  const missing = [...documented.keys()].filter((name) => name.startsWith('bia_') && !elsewhere.includes(name) && !shown.includes(name));
  assert.deepEqual(missing, []);
});

test('a running server has the metrics that a sign-in makes, with the documented labels', () => {
  const names = new Set([...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name));
  assert.ok(names.size > 20, text);
  for (const name of names) assert.ok(metric(name), `${name} is not documented`);
  for (const name of ['bia_sign_in_started_total', 'bia_sign_in_finished_total', 'bia_sessions_issued_total', 'bia_http_requests_total',
    'bia_upstream_calls_total', 'bia_mapper_evaluations_total', 'bia_store_connections', 'bia_config_last_reload_successful', 'bia_build_info']) {
    assert.ok(names.has(name), `${name} is missing`);
  }
  for (const [, name, labels] of text.matchAll(/^((?:bia|process)_\w+)\{([^}]*)\} /gm)) {
    for (const [, label] of labels.matchAll(/(?:^|,)(\w+)="/g)) assert.ok([...metric(name).labels, 'le'].includes(label), `${name}{${label}}`);
  }
});

test('what should never happen is counted from zero on, under the labels that the tests of the rules use', () => {
  const tried = readFileSync(path.join(root, 'contrib/prometheus/alerts.test.yml'), 'utf8');
  for (const name of ['bia_audit_events_dropped_total', 'bia_web_hooks_dropped_total', 'bia_store_busy_total', 'bia_store_errors_total']) {
    assert.match(text, new RegExp(`^${name}(?:\\{.*\\})? 0$`, 'm'));
  }
  for (const name of ['bia_audit_events_dropped_total', 'bia_store_busy_total']) {
    const used = [...tried.matchAll(new RegExp(`${name}\\{.*?(?:reason|pool)="(\\w+)"`, 'g'))].map(([, value]) => value);
    assert.ok(used.length > 0, name);
    for (const value of used) assert.match(text, new RegExp(`^${name}\\{.*="${value}".*\\} 0$`, 'm'));
  }
});

test('Prometheus takes the metrics, the rules, their tests and every expression of the dashboard', async () => {
  const promtool = async (...args) => {
    const { input, list } = typeof args.at(-1) === 'object' ? { input: args.at(-1).input, list: args.slice(0, -1) } : { list: args };
    const { code, text: said } = await run('promtool', list, { cwd: path.join(root, 'contrib/prometheus'), input });
    assert.equal(code, 0, said);
  };
  await promtool('check', 'metrics', { input: text });
  await promtool('check', 'rules', 'alerts.yml');
  await promtool('test', 'rules', 'alerts.test.yml');
  await promtool('check', 'config', '--syntax-only', 'prometheus.yml');
  const asRules = expressions.map(({ expr }, index) => ({ record: `panel:${index}`, expr: expr.replaceAll('$__rate_interval', '5m') }));
  const file = path.join(folder, 'dashboard.yml');
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: asRules }] }));
  await promtool('check', 'rules', file);
});

test('the panels of the dashboard do not overlap', () => {
  const taken = new Map();
  for (const { title, gridPos: { x, y, w, h } } of dashboard.panels) {
    assert.ok(x + w <= 24, title);
    for (let column = x; column < x + w; column += 1) {
      for (let line = y; line < y + h; line += 1) {
        assert.ok(!taken.has(`${column},${line}`), `${title} lies over ${taken.get(`${column},${line}`)}`);
        taken.set(`${column},${line}`, title);
      }
    }
  }
  assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
});
