// Counts what a linter found, by rule, with an example of each: problems.mjs spectral|redocly REPORT
import { readFileSync } from 'node:fs';

const [, , tool, report] = process.argv;
const text = readFileSync(report, 'utf8');
const all =
  tool === 'spectral'
    ? JSON.parse(text.slice(text.indexOf('['), text.lastIndexOf(']') + 1)).map((each) => ({
        severity: ['error', 'warning', 'information', 'hint'][each.severity],
        rule: each.code,
        where: each.path.join('/'),
        message: each.message,
      }))
    : JSON.parse(text.slice(text.indexOf('{'))).problems.map((each) => ({
        severity: each.severity,
        rule: each.ruleId,
        where: each.location[0]?.pointer ?? '',
        message: each.message,
      }));
const rules = new Map();
for (const each of all) {
  const rule = rules.get(each.rule);
  if (rule) rule.count += 1;
  else rules.set(each.rule, { ...each, count: 1 });
}
for (const { severity, rule, count, where, message } of rules.values()) console.log(`${severity} ${rule}: ${count}, as at ${where}: ${message}`);
console.log(`failure: ${all.length} problems`);
