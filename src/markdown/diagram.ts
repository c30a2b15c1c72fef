// Mermaid text to an inline SVG that takes its colours from the page.
import { createHash } from 'node:crypto';
import { renderMermaidSVG } from 'beautiful-mermaid';

/** CSS pixels. A drawing wider than the column of text would be shrunk until nobody can read it. */
const COLUMN_PX = 720;

function draw(source: string): string {
  const render = (text: string) =>
    renderMermaidSVG(text, { bg: '#fff', fg: '#000', font: 'Inter', padding: 12, transparent: true });
  const svg = render(source);
  const across = /^(\s*(?:graph|flowchart)\s+)(?:LR|RL)\b/;
  if (widthOf(svg) <= COLUMN_PX || !across.test(source)) return svg;
  // From top to bottom the same boxes and arrows fit.
  const upright = render(source.replace(across, '$1TB'));
  return widthOf(upright) < widthOf(svg) ? upright : svg;
}

function widthOf(svg: string): number {
  return Number(/<svg[^>]* width="([\d.]+)"/.exec(svg)?.[1] ?? 0);
}

/** Draws one diagram. Throws the renderer's own error if the text is not a diagram it knows. */
export function renderDiagram(source: string, alt: string): string {
  const svg = draw(source);
  const unique = createHash('sha256').update(source).digest('hex').slice(0, 8);
  const label = alt.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return (
    svg
      // The renderer's own styles ask a font service for Inter and reach every drawing on the page;
      // src/styles/prose.css says the same with the page's colours.
      .replace(/<style>[\s\S]*?<\/style>/g, '')
      .replace(/^(\s*<svg[^>]*?) style="[^"]*"/, '$1')
      // Marker and clip ids are the same in every drawing; on one page they must differ.
      .replace(/\bid="([^"]+)"/g, `id="d${unique}-$1"`)
      .replace(/url\(#([^)]+)\)/g, `url(#d${unique}-$1)`)
      // The drawing's own notes about its shapes are of no use to a reader.
      .replace(/ data-[a-z-]+="[^"]*"/g, '')
      .replace(
        /^\s*<svg/,
        `<svg role="img" aria-label="${label}" style="min-width:${Math.round(widthOf(svg) * 0.8)}px"`,
      )
      .replace(/\n\s*/g, '')
      .trim()
  );
}
