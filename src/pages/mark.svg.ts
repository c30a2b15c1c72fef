// The icon of the browser tab: the mark in the colour of the reader's theme.
const MARK = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none"><style>g{color:#0c5a73}@media(prefers-color-scheme:dark){g{color:#82c8da}}</style><g><path d="M2.5 8.2 20.8 12.9c-.7 2.4-2.6 3.3-4.9 2.7L6.9 13.3C4.4 12.6 2.9 10.8 2.5 8.2Z" fill="currentColor"/><path d="M2 15.4l11.2 2.9M12.5 21.2c1.2-1 2.4-1 3.6 0s2.4 1 3.6 0 1.6-.9 2.3-.7" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/></g></svg>`;

export function GET(): Response {
  return new Response(MARK, { headers: { 'content-type': 'image/svg+xml' } });
}
