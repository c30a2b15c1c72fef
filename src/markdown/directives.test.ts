// What authors may write after `:::`, and what they are told when they write something else.
import { createMarkdownProcessor } from '@astrojs/markdown-remark';
import { describe, expect, it, vi } from 'vitest';
import { directives, parseAttributes, parseCheat, shieldVerbatim } from './directives.ts';

const processor = await createMarkdownProcessor({ remarkPlugins: [directives], syntaxHighlight: false });

async function html(markdown: string): Promise<string> {
  return (await processor.render(markdown)).code;
}

describe('boxes', () => {
  it('names a goal and keeps its Markdown', async () => {
    const result = await html(':::goal\nBuild a **small** image.\n:::');
    expect(result).toContain('Goal');
    expect(result).toContain('<strong>small</strong>');
    expect(result).toContain('box-goal');
  });

  it('nests a box in a box with one colon more', async () => {
    const result = await html('::::observe\nRun it.\n\n:::explain\nIt is so.\n:::\n::::');
    expect(result.indexOf('box-observe')).toBeLessThan(result.indexOf('box-explain'));
    expect(result).toContain('It is so.');
  });

  it('folds the answer of a prediction away and marks its choices', async () => {
    const result = await html(
      ':::predict{id="cache-order"}\nDoes it run?\n\n- yes\n- no\n\n---\n\nIt does.\n:::',
    );
    expect(result).toContain('data-predict="cache-order"');
    expect(result).toContain('class="predict-choices"');
    expect(result).toMatch(/<details class="reveal"><summary>.*It does\./s);
  });

  it('says whether a claim holds', async () => {
    const result = await html(
      ':::claim{source="S1.5" verdict="outdated"}\n> Always so.\n\nNot any more.\n:::',
    );
    expect(result).toContain('No longer true');
    expect(result).toContain('S1.5');
  });

  it('leaves `image:tag` and `host:port` in prose as they are', async () => {
    expect(await html('Pull postgres:latest from registry:main today.')).toContain(
      'postgres:latest from registry:main',
    );
  });
});

describe('verbatim directives', () => {
  it('draws a diagram that asks nobody for a font and can be read aloud', async () => {
    const result = await html(
      ':::diagram{alt="Host to Airflow" caption="The way in"}\ngraph LR\n  H["Host"] -->|8080| A{Airflow}\n:::',
    );
    expect(result).toContain('<svg');
    expect(result).toContain('aria-label="Host to Airflow"');
    expect(result).toContain('The way in');
    expect(result).not.toContain('googleapis');
    expect(result).not.toContain('<style>');
  });

  it('gives two diagrams of one page different ids', async () => {
    const one = ':::diagram{alt="One"}\ngraph LR\n  A --> B\n:::';
    const two = ':::diagram{alt="Two"}\ngraph LR\n  A --> C\n:::';
    const ids = [...(await html(`${one}\n\n${two}`)).matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('turns a drawing that is too wide for the column upright', async () => {
    const chain = Array.from(
      { length: 12 },
      (_, index) => `  N${index}["A longer name ${index}"] --> N${index + 1}`,
    );
    const result = await html(`:::diagram{alt="A chain"}\ngraph LR\n${chain.join('\n')}\n:::`);
    expect(Number(/ width="([\d.]+)"/.exec(result)?.[1])).toBeLessThan(720);
  });

  it('makes a table of commands, divided at the last bar of a row', async () => {
    const result = await html(
      ':::cheat\ndocker save app | gzip | Pack an image\ndocker inspect -f {{.State}} | Look\n:::',
    );
    expect(result).toContain('<code>docker save app | gzip</code>');
    expect(result).toContain('Pack an image');
    expect(result).toContain('{{.State}}');
  });

  it('keeps every line where it was', () => {
    const source = 'a\n:::diagram{alt="x"}\ngraph LR\n  A{b} --> C\n:::\nz';
    const shielded = shieldVerbatim(source).split('\n');
    expect(shielded).toHaveLength(6);
    expect(shielded[2]).toBe('graph LR');
    expect(shielded[5]).toBe('z');
  });

  it('leaves directives shown in a code block alone', () => {
    const source = '````md\n:::cheat\na | b\n:::\n````';
    expect(shieldVerbatim(source)).toBe(source);
  });

  it('reads attributes in either quotes', () => {
    expect(parseAttributes(`{alt="a b" caption='c d' flag}`)).toEqual({
      alt: 'a b',
      caption: 'c d',
      flag: '',
    });
  });

  it('finds the row without a meaning', () => {
    expect(parseCheat('docker ps | List\ndocker rm')).toEqual({ wrongRow: 2 });
  });
});

describe('what an author is told', () => {
  const cases: readonly [what: string, markdown: string, message: RegExp][] = [
    [
      'an unknown directive',
      'One.\n\n:::warning\nNo.\n:::',
      /:3: there is no directive :::warning\. There are .*:::goal/,
    ],
    ['an unknown leaf directive', '::youtube', /there is no directive ::youtube/],
    ['a box that is never closed', ':::goal\nBuild.\n\nMore.', /:::goal is never closed/],
    ['a diagram without alt', ':::diagram\ngraph LR\n  A --> B\n:::', /:::diagram needs alt/],
    [
      'a diagram that is none',
      'x\n\n:::diagram{alt="x"}\nnot a diagram\n:::',
      /:3: this diagram could not be drawn/,
    ],
    ['a cheat row without a meaning', ':::cheat\ndocker ps\n:::', /:2: a :::cheat row is/],
    [
      'a prediction without id',
      ':::predict\nWhat?\n:::',
      /:::predict needs id, for example :::predict\{id="cache-order"\}/,
    ],
    [
      'a verdict that is none',
      ':::claim{source="S1.5" verdict="maybe"}\nx\n:::',
      /verdict "maybe" is not one of right, wrong/,
    ],
    [
      'a misconception without a proper id',
      ':::misconception{id="x1"}\nx\n:::',
      /"x1" is not a misconception id/,
    ],
  ];
  // The processor prints what it throws; the author would see it once.
  vi.spyOn(console, 'error').mockImplementation(() => {});
  it.each(cases)('names the place and an example for %s', async (_what, markdown, message) => {
    await expect(html(markdown)).rejects.toThrow(message);
  });
});
