import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { errorsPage } from '../../script/errors-page.ts';
import { quote, refusalExamples } from '../../src/lib/core/errors.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('refusals', () => {
  it('are the ones of docs/errors.md', () => {
    expect(readFileSync(join(ROOT, 'docs/errors.md'), 'utf8')).toBe(errorsPage());
  });

  it.each(refusalExamples())('$code says what is wrong and what to do next', ({ when, error }) => {
    expect(when).toMatch(/^[A-Z0-9`].*\.$/s);
    expect(error.message).toMatch(/[.?]$/);
    expect(error.message).not.toMatch(/undefined|\[object|NaN/);
    expect(error.hint.length).toBeGreaterThan(10);
    expect(error.hint).not.toMatch(/undefined|\[object|NaN/);
  });

  it('are all made somewhere', () => {
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(ROOT, 'src', file), 'utf8'))
      .join('\n');
    const unused = refusalExamples().filter(
      ({ code }) => !new RegExp(`(refuse\\.|')${code}\\b`).test(sources),
    );
    expect(unused.map(({ code }) => code)).toEqual([]);
  });
});

describe('quote', () => {
  it('shows control characters and direction marks, and ends long text', () => {
    expect(quote('a"b')).toBe('"a\\"b"');
    expect(quote('\u001b[31m\u202e')).toBe('"\\u001b[31m\\u202e"');
    expect(quote('x'.repeat(100))).toHaveLength(82);
  });
});
