import { describe, expect, it } from 'vitest';
import { findingText } from '../../src/lib/cli/doctor.ts';
import { wrapSentences } from '../../src/lib/cli/sentence.ts';
import { renderFields } from '../../src/lib/cli/table.ts';
import { doubtful, faulty, sound, withoutRepeats } from '../../src/lib/core/finding.ts';

describe('sentences', () => {
  it('are broken between words on a terminal, and never in a pipe', () => {
    const text = 'The network has no free address left.';
    expect(wrapSentences(text, undefined)).toBe(text);
    expect(wrapSentences(text, 40)).toBe(text);
    expect(wrapSentences(`  ${text}`, 20, '  ')).toBe('  The network has no\n  free address left.');
  });

  it('keep a command that is to be typed in one line', () => {
    const hint = 'Nothing is there. Make it with: mkdir -p /srv/bills; then run the same command again.';
    expect(wrapSentences(hint, 24)).toBe(
      'Nothing is there. Make\nit with:\nmkdir -p /srv/bills;\nthen run the same\ncommand again.',
    );
    expect(wrapSentences('ok  See it with: uncloud migrate (or --list) or help', 20)).toBe(
      'ok  See it with:\nuncloud migrate (or\n--list) or help',
    );
  });

  it('stand in the column of values', () => {
    expect(renderFields({ Rule: 'one for all and all for one', No: 1 }, 22)).toBe(
      'Rule  one for all and\n      all for one\nNo    1',
    );
  });
});

describe('a finding', () => {
  it('says its subject once', () => {
    expect(findingText(sound('clock', 'clock', 'agrees'))).toBe('ok       clock: agrees');
    expect(findingText(doubtful('pools', 'a.example', 'none', 'Make one.'))).toBe(
      'warning  pools: a.example: none\n         Make one.',
    );
    expect(findingText(faulty('database', 'x:y', 'The database "x:y" is away.', ''))).toBe(
      'ERROR    database: The database "x:y" is away.',
    );
  });

  it('that stops several checks is told once', () => {
    const away = faulty('database', 'x:y', 'The database is away.', '');
    const fine = sound('tools', 'ip', 'answers');
    expect(withoutRepeats([away, fine, { ...away, id: 'pools' }, fine])).toEqual([away, fine, fine]);
  });
});
