// The `:::` directives of lessons and briefs: what authors may write, and what becomes of it.
//
// AUTHORS: this is the whole list. Anything else after `:::` stops the build and names the file and the line.
//
//   :::goal … :::                         what the reader will be able to do; once, near the top
//   :::deliverables … :::                 a list of what will exist at the end
//   :::diagram{alt="…" caption="…"}       Mermaid text (graph/flowchart, sequenceDiagram, stateDiagram,
//                                         classDiagram, erDiagram); `alt` must say what the picture says;
//                                         `caption` is optional. The body is taken as it stands.
//   :::cheat                              a row a line: `docker build -t app . | Build and name an image`.
//                                         The last ` | ` of a line divides it. The body is taken as it stands.
//                                         A name may follow: `:::cheat{title="Build"}`.
//   :::predict{id="cache-order"}          the question. If its last block before `---` is a list, the items become
//                                         choices. After a line `---` comes the answer, folded away until asked for.
//                                         Without `---` the answer is whatever follows the box.
//   :::observe … :::                      what to run and what was seen (code blocks, a <Cast/>)
//   :::explain … :::                      why it was so
//   :::claim{source="S1.5" verdict="wrong"}   a statement from a seed, as a `>` quotation, then what is true.
//                                         `verdict`: right, wrong, outdated, partly.
//   :::misconception{id="MC-DF-01"}       the wrong idea in its first paragraph, then what is true
//   :::recap … :::                        the lesson in a few lines
//
// A box inside a box takes one colon more on the outside: `::::observe` … `:::explain` … `:::` … `::::`.
// Inline `:name` is plain text everywhere, so `postgres:main` needs no escaping.
//
// Components that need no import:
//   <Cast src="./casts/build.cast" title="…" />   a recorded terminal session (asciicast v2) from the lesson's folder
//   <Quiz src="./quiz.yaml" />                     see src/components/quiz-file.ts for its fields
//   <LabLink lab="etl-dockerfile" />               the door to a lab, with its minutes and points
//   <CacheSimulator />  <ContextViewer />          the two widgets of L04
//   <Task id="cache"> … </Task>                    briefs only: the prose of one task; every task has exactly one
import type { BlockContent, Paragraph, PhrasingContent, Root, RootContent } from 'mdast';
import type { ContainerDirective, LeafDirective } from 'mdast-util-directive';
import type {} from 'mdast-util-to-hast';
import remarkDirective from 'remark-directive';
import type { Plugin, Processor } from 'unified';
import { SKIP, visit } from 'unist-util-visit';
import type { VFile } from 'vfile';
import { renderDiagram } from './diagram.ts';

/** Directives whose body is not Markdown: it is kept from the parser, which would trip over `{` and `<`. */
const VERBATIM = new Set(['diagram', 'cheat']);

const VERDICTS = {
  right: 'Holds up',
  wrong: 'Does not hold',
  outdated: 'No longer true',
  partly: 'Half true',
} as const;

type Box = 'goal' | 'deliverables' | 'observe' | 'explain' | 'recap';
const BOX_LABELS: Readonly<Record<Box, string>> = {
  goal: 'Goal',
  deliverables: 'What you will have',
  observe: 'Observe',
  explain: 'Why',
  recap: 'To remember',
};

const EXAMPLES: Readonly<Record<string, string>> = {
  goal: ':::goal',
  deliverables: ':::deliverables',
  diagram: ':::diagram{alt="The CLI asks the daemon, which asks the registry."}',
  cheat: ':::cheat',
  predict: ':::predict{id="cache-order"}',
  observe: ':::observe',
  explain: ':::explain',
  claim: ':::claim{source="S1.5" verdict="wrong"}',
  misconception: ':::misconception{id="MC-DF-01"}',
  recap: ':::recap',
};

interface Place {
  readonly line: number;
  readonly column?: number;
}

/** Stops the build with the file, the line and what would have been right. */
function refuse(file: VFile, place: Place | undefined, message: string): never {
  const where = `${file.path ?? 'a lesson'}${place ? `:${place.line}` : ''}`;
  throw Object.assign(new Error(`${where}: ${message}`), place ?? {});
}

/**
 * Rewrites the body of verbatim directives as fenced code, line for line, so that Mermaid's `{}` and a
 * template's `{{.State}}` are never read as MDX. Line numbers stay what they were.
 */
export function shieldVerbatim(source: string): string {
  const lines = source.split('\n');
  let fence: string | undefined;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const marker = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== undefined) {
      if (marker?.startsWith(fence) && line.trim() === marker) fence = undefined;
      continue;
    }
    if (marker) {
      fence = marker;
      continue;
    }
    const opening = /^(\s*)(:{3,})([a-z-]+)(.*)$/.exec(line);
    if (!opening?.[3] || !VERBATIM.has(opening[3])) continue;
    const [, indent = '', colons = ':::', name, rest = ''] = opening;
    const end = lines.findIndex((candidate, at) => at > index && candidate.trim() === colons);
    if (end === -1) continue; // Left as it is: the parser reports it as never closed.
    const longestRun = Math.max(
      3,
      ...lines.slice(index, end).flatMap((each) => (each.match(/`+/g) ?? []).map((run) => run.length + 1)),
    );
    const ticks = '`'.repeat(longestRun);
    lines[index] = `${indent}${ticks}slipway-${name} ${rest.replaceAll('`', "'")}`;
    lines[end] = `${indent}${ticks}`;
    index = end;
  }
  return lines.join('\n');
}

/** Reads `{alt="…" id='x' flag}` from behind a verbatim directive's name. */
export function parseAttributes(text: string): Record<string, string> {
  const inside = /^\s*\{([\s\S]*)\}\s*$/.exec(text)?.[1] ?? '';
  const attributes: Record<string, string> = {};
  for (const match of inside.matchAll(/([a-zA-Z][\w-]*)(?:=(?:"([^"]*)"|'([^']*)'|(\S+)))?/g)) {
    if (match[1]) attributes[match[1]] = match[2] ?? match[3] ?? match[4] ?? '';
  }
  return attributes;
}

export interface CheatRow {
  readonly command: string;
  readonly meaning: string;
}

/** Reads `command | meaning` rows; a row without a meaning comes back as its number (from 1). */
export function parseCheat(body: string): readonly CheatRow[] | { readonly wrongRow: number } {
  const rows: CheatRow[] = [];
  for (const [index, raw] of body.split('\n').entries()) {
    const line = raw.trim();
    if (line === '') continue;
    const divider = line.lastIndexOf(' | ');
    const command = line.slice(0, divider).trim();
    const meaning = line.slice(divider + 3).trim();
    if (divider < 1 || meaning === '') return { wrongRow: index + 1 };
    rows.push({ command: command.replace(/^`(.*)`$/, '$1'), meaning });
  }
  return rows;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function withCode(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

/** Class names as the tree wants them: a list. */
function withClassList({ className, ...rest }: Record<string, string>): Record<string, string | string[]> {
  return className === undefined ? rest : { ...rest, className: className.split(' ') };
}

function element(
  name: string,
  properties: Record<string, string>,
  children: readonly (RootContent | PhrasingContent)[],
): RootContent {
  const node: Paragraph = {
    type: 'paragraph',
    children: [...children] as PhrasingContent[],
    data: { hName: name, hProperties: withClassList(properties) },
  };
  return node;
}

function label(text: string): RootContent {
  return element('p', { className: 'box-label' }, [{ type: 'text', value: text }]);
}

function box(
  kind: string,
  title: string,
  children: readonly RootContent[],
  more: Record<string, string> = {},
): RootContent {
  return element('div', { className: `box box-${kind}`, role: 'note', ariaLabel: title, ...more }, [
    label(title),
    ...children,
  ]);
}

function attribute(node: ContainerDirective, file: VFile, name: string): string {
  const value = node.attributes?.[name]?.trim();
  if (!value) {
    refuse(file, node.position?.start, `:::${node.name} needs ${name}, for example ${EXAMPLES[node.name]}`);
  }
  return value;
}

function predict(node: ContainerDirective, file: VFile): RootContent {
  const id = attribute(node, file, 'id');
  if (!/^[a-z0-9-]+$/.test(id)) {
    refuse(
      file,
      node.position?.start,
      `the id "${id}" may hold small letters, digits and dashes, for example ${EXAMPLES.predict}`,
    );
  }
  const cut = node.children.findIndex((child) => child.type === 'thematicBreak');
  const question = (cut === -1 ? node.children : node.children.slice(0, cut)) as RootContent[];
  const answer = (cut === -1 ? [] : node.children.slice(cut + 1)) as RootContent[];
  const last = question.at(-1);
  if (last?.type === 'list') last.data = { ...last.data, hProperties: { className: ['predict-choices'] } };
  const parts: RootContent[] = [label('Predict before you look'), ...question];
  if (answer.length > 0) {
    parts.push(
      element('details', { className: 'reveal' }, [
        element('summary', {}, [{ type: 'text', value: 'Compare with what happens' }]),
        ...answer,
      ]),
    );
  }
  return element(
    'slipway-predict',
    { className: 'box box-predict', id: `predict-${id}`, dataPredict: id },
    parts,
  );
}

function claim(node: ContainerDirective, file: VFile): RootContent {
  const source = attribute(node, file, 'source');
  const verdict = attribute(node, file, 'verdict');
  const words = VERDICTS[verdict as keyof typeof VERDICTS];
  if (!words) {
    refuse(
      file,
      node.position?.start,
      `verdict "${verdict}" is not one of ${Object.keys(VERDICTS).join(', ')}, for example ${EXAMPLES.claim}`,
    );
  }
  return element(
    'div',
    { className: 'box box-claim', role: 'note', ariaLabel: 'A claim, examined', dataVerdict: verdict },
    [
      element('p', { className: 'box-label' }, [
        { type: 'text', value: 'You may have read' },
        element('span', { className: 'verdict' }, [{ type: 'text', value: words }]) as PhrasingContent,
        element('span', { className: 'claim-source' }, [
          { type: 'text', value: `source ${source}` },
        ]) as PhrasingContent,
      ]),
      ...(node.children as RootContent[]),
    ],
  );
}

function misconception(node: ContainerDirective, file: VFile): RootContent {
  const id = attribute(node, file, 'id');
  if (!/^MC-[A-Z0-9-]+$/i.test(id)) {
    refuse(
      file,
      node.position?.start,
      `"${id}" is not a misconception id, for example ${EXAMPLES.misconception}`,
    );
  }
  return box('misconception', 'A common wrong turn', node.children as RootContent[], {
    id: id.toLowerCase(),
  });
}

function diagram(
  body: string,
  attributes: Record<string, string>,
  file: VFile,
  place: Place | undefined,
): RootContent {
  const alt = attributes.alt?.trim();
  if (!alt)
    refuse(
      file,
      place,
      `:::diagram needs alt, in words that replace the picture, for example ${EXAMPLES.diagram}`,
    );
  let svg: string;
  try {
    svg = renderDiagram(body, alt);
  } catch (cause) {
    refuse(
      file,
      place,
      `this diagram could not be drawn (${cause instanceof Error ? cause.message : String(cause)}). It starts with graph, sequenceDiagram, stateDiagram-v2, classDiagram or erDiagram.`,
    );
  }
  const caption = attributes.caption ? `<figcaption>${withCode(attributes.caption)}</figcaption>` : '';
  return {
    type: 'html',
    value: `<figure class="diagram"><div class="diagram-scroll" tabindex="0" role="group" aria-label="Diagram">${svg}</div>${caption}</figure>`,
  };
}

function cheat(
  body: string,
  attributes: Record<string, string>,
  file: VFile,
  place: Place | undefined,
): RootContent {
  const rows = parseCheat(body);
  if ('wrongRow' in rows) {
    refuse(
      file,
      place && { line: place.line + rows.wrongRow },
      'a :::cheat row is `command | meaning`, for example `docker compose up -d | Start the stack in the background`',
    );
  }
  const title = attributes.title ?? 'Commands to keep';
  const cells = rows
    .map(
      ({ command, meaning }) =>
        `<tr><th scope="row"><code>${escapeHtml(command)}</code></th><td>${withCode(meaning)}</td></tr>`,
    )
    .join('');
  return {
    type: 'html',
    value: `<div class="box box-cheat"><table class="cheat"><caption class="box-label">${escapeHtml(title)}</caption><thead class="visually-hidden"><tr><th scope="col">Command</th><th scope="col">What it does</th></tr></thead><tbody>${cells}</tbody></table></div>`,
  };
}

/** Refuses a box that was never closed: it would have swallowed the rest of the lesson without a word. */
function mustBeClosed(node: ContainerDirective, file: VFile): void {
  const { start, end } = node.position ?? {};
  if (start?.offset === undefined || end?.offset === undefined) return;
  const lastLine = String(file.value).slice(start.offset, end.offset).trimEnd().split('\n').at(-1) ?? '';
  if (!/^\s*(?:>\s*)*:{3,}\s*$/.test(lastLine)) {
    refuse(file, start, `:::${node.name} is never closed; end it with a line of its own that holds only :::`);
  }
}

function transformContainer(node: ContainerDirective, file: VFile): RootContent {
  mustBeClosed(node, file);
  const children = node.children as BlockContent[];
  switch (node.name) {
    case 'goal':
    case 'deliverables':
    case 'observe':
    case 'explain':
    case 'recap':
      return box(node.name, BOX_LABELS[node.name], children);
    case 'predict':
      return predict(node, file);
    case 'claim':
      return claim(node, file);
    case 'misconception':
      return misconception(node, file);
    default:
      return unknown(node, file);
  }
}

function unknown(node: ContainerDirective | LeafDirective, file: VFile): never {
  const colons = node.type === 'leafDirective' ? '::' : ':::';
  const known = Object.keys(EXAMPLES).map((name) => `:::${name}`);
  refuse(
    file,
    node.position?.start,
    `there is no directive ${colons}${node.name}. There are ${known.join(', ')}.`,
  );
}

/** The remark plugin that Astro runs for every lesson and brief. */
export const directives: Plugin<[], Root> = function (this: Processor) {
  remarkDirective.call(this as never);
  // Inline `:name` stays text: lessons are full of `image:tag` and `host:port`.
  const data = this.data() as { micromarkExtensions?: { text?: unknown }[] };
  const syntax = data.micromarkExtensions?.at(-1);
  if (syntax) delete syntax.text;

  const parse = this.parser;
  if (parse) {
    this.parser = ((source: string, file: VFile) => {
      const shielded = shieldVerbatim(source);
      file.value = shielded;
      return (parse as (source: string, file: VFile) => Root)(shielded, file);
    }) as typeof parse;
  }

  return (tree, file) => {
    visit(tree, (node, index, parent) => {
      if (!parent || index === undefined) return undefined;
      if (node.type === 'code' && node.lang?.startsWith('slipway-')) {
        const attributes = parseAttributes(node.meta ?? '');
        const place = node.position?.start;
        const draw = node.lang === 'slipway-diagram' ? diagram : cheat;
        parent.children[index] = draw(node.value, attributes, file, place);
        return SKIP;
      }
      if (node.type === 'leafDirective') unknown(node, file);
      if (node.type === 'containerDirective') {
        parent.children[index] = transformContainer(node, file);
        return index; // Visit what stands there now, so that nested boxes are seen.
      }
      return undefined;
    });
  };
};
